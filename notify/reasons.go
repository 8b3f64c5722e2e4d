package notify

// neutral explains a new link where there is nothing to explain, or nothing that may be told.
var neutral = map[language]string{
	"en": "Your previous link can no longer be used.",
	"lt": "Ankstesne nuoroda naudotis nebegalima.",
}

// retryReasons explains to customers the reasons that a new attempt can mend (contract 3.3). Adding a reason here tells
// it to customers: critical ones must never be added.
var retryReasons = map[string]map[language]string{
	"MissingDocumentPhoto": {
		"en": "The photo of your document was missing. Please photograph the document as the page asks you to.",
		"lt": "Trūko Jūsų dokumento nuotraukos. Prašome nufotografuoti dokumentą taip, kaip nurodyta puslapyje.",
	},
	"DocumentNotAccepted": {
		"en": "The document you used cannot be accepted. Please use another one, such as a valid passport or identity card.",
		"lt": "Pateiktas dokumentas netinka. Prašome naudoti kitą, pavyzdžiui, galiojantį pasą ar asmens tapatybės kortelę.",
	},
	"DataDoesNotMatch": {
		"en": "Some details did not match those on your document. Please make sure that you use your own valid document.",
		"lt": "Kai kurie duomenys nesutapo su nurodytais Jūsų dokumente. Prašome įsitikinti, kad naudojate savo galiojantį dokumentą.",
	},
	"MissingSelfiePhoto": {
		"en": "The photo of your face was missing. Please take it when the page asks you to.",
		"lt": "Trūko Jūsų veido nuotraukos. Prašome nusifotografuoti, kai to bus paprašyta.",
	},
	"FacesDoesNotMatch": {
		"en": "Your face could not be matched with the photo on your document. Please use your own document and look straight into the camera in good light.",
		"lt": "Jūsų veido nepavyko palyginti su nuotrauka dokumente. Prašome naudoti savo dokumentą ir esant geram apšvietimui žiūrėti tiesiai į kamerą.",
	},
	"PoorPhotoQuality": {
		"en": "The photos were not clear enough. Please hold the device still and make sure that everything can be read.",
		"lt": "Nuotraukų kokybė buvo per prasta. Prašome įrenginį laikyti stabiliai ir įsitikinti, kad viską galima įskaityti.",
	},
	"PoorPhotoLighting": {
		"en": "The photos were too dark or too bright. Please take them in even light and without reflections.",
		"lt": "Nuotraukos buvo per tamsios arba per šviesios. Prašome fotografuoti esant tolygiam apšvietimui, be atspindžių.",
	},
	"BlurredPhoto": {
		"en": "A photo was blurred. Please hold the device still and wait until the picture is sharp.",
		"lt": "Nuotrauka buvo neryški. Prašome įrenginį laikyti stabiliai ir palaukti, kol vaizdas taps ryškus.",
	},
	"BadMediaFormat": {
		"en": "A photo or video could not be opened. Please take it anew with the camera of your device, in an up-to-date browser.",
		"lt": "Nepavyko atverti nuotraukos arba vaizdo įrašo. Prašome fotografuoti iš naujo savo įrenginio kamera, naudojant atnaujintą naršyklę.",
	},
	"UnrelatedPhoto": {
		"en": "A photo did not show what was asked for. Please follow the directions on the page.",
		"lt": "Nuotraukoje buvo ne tai, ko prašyta. Prašome laikytis puslapyje pateiktų nurodymų.",
	},
	"MoreThanOnePerson": {
		"en": "There was more than one person in the picture. Please make sure that only you can be seen.",
		"lt": "Nuotraukoje buvo daugiau nei vienas žmogus. Prašome pasirūpinti, kad joje matytumėtės tik Jūs.",
	},
	"DocumentIsExpired": {
		"en": "Your document has expired. Please use a valid one.",
		"lt": "Jūsų dokumento galiojimo laikas pasibaigęs. Prašome naudoti galiojantį dokumentą.",
	},
	"DocumentWithNonLatinCharacters": {
		"en": "Your document is not written in Latin letters. Please use one that is, such as a passport.",
		"lt": "Jūsų dokumentas užpildytas ne lotyniškomis raidėmis. Prašome naudoti lotyniškomis raidėmis užpildytą dokumentą, pavyzdžiui, pasą.",
	},
	"PartOfDocumentIsCovered": {
		"en": "Part of your document was covered. Please make sure that all of it can be seen in the photo.",
		"lt": "Dalis Jūsų dokumento buvo uždengta. Prašome pasirūpinti, kad nuotraukoje matytųsi visas dokumentas.",
	},
	"NameMismatch": {
		"en": "The name we were given differs from the one on your document. Please use a document with your present name.",
		"lt": "Mums nurodyti vardas ir pavardė skiriasi nuo įrašytų Jūsų dokumente. Prašome naudoti dokumentą, kuriame įrašyti dabartiniai Jūsų vardas ir pavardė.",
	},
	"ExpirationDateMismatch": {
		"en": "The expiry date of your document could not be confirmed. Please photograph every side of it clearly.",
		"lt": "Nepavyko patvirtinti Jūsų dokumento galiojimo datos. Prašome aiškiai nufotografuoti visas dokumento puses.",
	},
	"IncorrectInformationProvided": {
		"en": "Some of the details given were not correct. Please check what you enter.",
		"lt": "Kai kurie pateikti duomenys buvo neteisingi. Prašome patikrinti, ką įvedate.",
	},
	"PartOfFaceIsCovered": {
		"en": "Part of your face was covered. Please make sure that your whole face can be seen.",
		"lt": "Dalis Jūsų veido buvo uždengta. Prašome pasirūpinti, kad matytųsi visas veidas.",
	},
}

// explainRetry says why there is a new link. What is not in the table is explained as if there were no reason at all.
func explainRetry(spoken language, reason string) string {
	if text := retryReasons[reason][spoken]; text != "" {
		return text
	}
	return neutral[spoken]
}
