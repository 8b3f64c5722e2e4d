"use strict";

const id = new URLSearchParams(location.search).get("id") || "";
const address = "/_sandbox/page/sessions/" + encodeURIComponent(id);
const view = document.getElementById("view");
const trouble = document.getElementById("trouble");
const decision = document.getElementById("decision");
const stepNames = ["Consent", "Document", "Selfie", "Result"];
const documentNames = { Passport: "Passport", IdCard: "Identity card", DriverLicense: "Driving licence", ResidencePermit: "Residence permit" };

let shown = "";        // the stage on the screen
let latest = null;     // what the server told last
let draft = null;      // what the customer has done in this attempt: {type, shots, at}
let busy = false;
let returning = 0;

const button = (label, action, kind) => h("button", { type: "button", class: kind || "", onclick: action }, label);

// put replaces the screen and moves the focus to its heading, so that it is read out.
function put(step, title, ...content) {
  const steps = document.getElementById("steps");
  steps.hidden = step < 0;
  steps.replaceChildren(...stepNames.map((name, i) =>
    h("li", { class: i < step ? "done" : "", "aria-current": i === step ? "step" : false }, name)));
  const heading = h("h1", { tabindex: "-1" }, title);
  view.className = "card";
  view.replaceChildren(heading, ...content.flat().filter(Boolean));
  document.title = title + " – identity verification (sandbox)";
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function result(kind, sign, title, ...content) {
  put(3, title, ...content);
  view.classList.add("result");
  view.prepend(h("div", { class: "sign " + kind, "aria-hidden": "true" }, sign));
}

function complain(message, again) {
  trouble.replaceChildren(h("div", { class: "note bad" }, h("p", {}, message), again && button("Try again", again)));
}

// act tells the server what the customer did and shows what comes next.
async function act(action, body) {
  if (busy) return;
  busy = true;
  view.setAttribute("aria-busy", "true");
  trouble.replaceChildren();
  try {
    show(await ask("POST", address + "/" + action, body));
  } catch (error) {
    if (error.status === 409) await look();                 // something happened meanwhile: show it
    else if (error.status === 404) unknown();
    else complain(error.message, () => act(action, body));
  } finally {
    busy = false;
    view.removeAttribute("aria-busy");
  }
}

async function look() {
  const data = await ask("GET", address);
  if (trouble.firstChild) trouble.replaceChildren();
  show(data);
}

function unknown() {
  shown = "unknown";
  document.getElementById("chooser").hidden = true;
  put(-1, "This link is not valid", h("p", {}, "Check that you have opened the whole link, or ask for a new one."),
    h("p", { class: "small" }, "In the sandbox: ", h("a", { href: "/_sandbox/" }, "open the back office"), " and choose a session."));
}

function show(data) {
  latest = data;
  document.getElementById("chooser").hidden = false;
  if (data.title) document.getElementById("brand").textContent = data.title;
  if (document.activeElement !== decision) {
    if (![...decision.options].some((option) => option.value === data.decision)) {
      decision.append(h("option", { value: data.decision }, data.decision));
    }
    decision.value = data.decision;
  }
  if (data.stage === shown) return;
  shown = data.stage;
  clearTimeout(returning);
  const leave = document.getElementById("leave");
  if (leave.open) leave.close();
  if (data.stage !== "capture") draft = null;
  (screens[data.stage] || screens.review)(data);
  goBack(data);
}

// goBack sends the browser where the setup's localisation says, with time to read.
function goBack(data) {
  if (!data.returnUrl) return;
  const target = new URL(data.returnUrl);
  target.searchParams.set("id", id);
  view.append(h("div", { class: "actions" }, h("a", { class: "button main", href: target.href }, "Continue")),
    h("p", { class: "small" }, "You will be taken back in a few seconds."));
  returning = setTimeout(() => { location.assign(target.href); }, 8000);
}

function ways() {
  return h("div", { class: "leave" },
    button("Continue later", () => act("suspend"), "quiet"),
    button("Leave", () => document.getElementById("leave").showModal(), "quiet"));
}

const screens = {
  welcome() {
    put(0, "Verify your identity", h("p", {}, "It takes about two minutes. Keep an identity document at hand."),
      h("div", { class: "actions" }, button("Start", () => act("start"), "main")));
  },
  consent() {
    put(0, "Your consent",
      h("p", {}, "To verify who you are we need a photo of your identity document and of your face. They are compared with each other and with what you told us."),
      h("ul", { class: "tips" },
        h("li", {}, "Your document: name, date of birth, number and validity are read."),
        h("li", {}, "Your face: used only for this comparison."),
        h("li", {}, "You may leave at any time before you send everything.")),
      h("div", { class: "actions" }, button("I agree", () => act("consent"), "main"), button("I do not agree", () => act("decline-consent"))),
      ways());
  },
  capture(data) {
    draft = { type: "", shots: {}, at: 0 };
    chooseDocument(data);
  },
  processing() {
    put(3, "We are checking your photos", h("p", {}, "This usually takes a few seconds. You can leave this page open."));
    view.classList.add("result");
    view.prepend(h("div", { class: "spinner", "aria-hidden": "true" }));
    say("Your photos are being checked. Please wait.");
  },
  review() {
    result("warn", "…", "Everything has arrived", h("p", {}, "Your verification is being reviewed. You can close this page, the result will be sent to you."));
  },
  retry(data) {
    result("warn", "!", "Please try again", h("p", {}, data.advice || "Something was not right with your photos."),
      h("div", { class: "actions" }, button("Try again", () => act("resubmit"), "main"), button("Stop here", () => act("complete"))),
      h("div", { class: "leave" }, button("Continue later", () => act("suspend"), "quiet")));
  },
  approved() {
    result("good", "✓", "You are verified", h("p", {}, "Thank you. You can close this page."));
  },
  rejected() {
    result("bad", "×", "We could not verify you", h("p", {}, "Your verification was not successful. Please contact the company that sent you here."));
  },
  suspended() {
    result("warn", "II", "Continue when you like", h("p", {}, "Keep this link: it stays valid for seven days from now."),
      h("div", { class: "actions" }, button("Continue now", () => act("resume"), "main")));
  },
  declined() {
    result("bad", "×", "You did not agree", h("p", {}, "Without your consent we cannot verify you. Nothing was collected."));
  },
  aborted() {
    result("bad", "×", "You have left the verification", h("p", {}, "This link no longer works. Ask for a new one if you want to start again."));
  },
  expired() {
    result("bad", "×", "This link has expired", h("p", {}, "Too much time has passed. Ask for a new link to start again."));
  },
};

function chooseDocument(data) {
  const form = h("form", { onsubmit: (event) => {
    event.preventDefault();
    const chosen = form.querySelector("input:checked");
    if (!chosen) { complain("Choose a document first."); return; }
    trouble.replaceChildren();
    draft.type = chosen.value;
    photograph(0);
  } },
  h("fieldset", {}, h("legend", {}, "Which document do you have at hand?"),
    data.documentTypes.map((type, i) => h("label", { class: "choice" },
      h("input", { type: "radio", name: "type", value: type, checked: draft.type ? draft.type === type : i === 0 }), documentNames[type] || type))),
  h("div", { class: "actions" }, h("button", { class: "main" }, "Continue")));
  put(1, "Choose a document", form, ways());
}

const shotsOf = (type) => [
  ...(type === "Passport" ? [{ part: "data page", title: "Photograph the page with your photo" }]
    : [{ part: "front", title: "Photograph the front" }, { part: "back", title: "Photograph the back" }]),
  { part: "selfie", title: "Take a selfie" },
];

function photograph(index) {
  const shots = shotsOf(draft.type);
  if (index >= shots.length) { check(); return; }
  const { part, title } = shots[index];
  const selfie = part === "selfie";
  const frame = h("div", { class: "frame" + (selfie ? " round" : "") }, selfie ? "Your face goes here" : "Your document goes here");
  const input = h("input", { type: "file", accept: "image/*", class: "unseen", tabindex: "-1", "aria-hidden": "true" });
  const use = button("Use this photo", () => photograph(index + 1), "main");
  const take = button("Take photo", () => fill(selfie ? drawSelfie() : drawDocument(documentNames[draft.type] || draft.type, part), "Photo taken."), "main");
  use.hidden = true;

  function fill(picture, message) {
    frame.replaceChildren(picture);
    frame.classList.add("filled");
    draft.shots[part] = true;
    trouble.replaceChildren();
    use.hidden = false;
    take.textContent = "Take again";
    take.className = "";
    say(message + " Check it, then use it or take another.");
    use.focus();
  }
  input.addEventListener("change", () => {
    const file = input.files[0];
    if (!file) return;
    const source = URL.createObjectURL(file);
    const image = h("img", { alt: "The picture you chose" });
    image.onload = () => { URL.revokeObjectURL(source); fill(image, "Picture opened."); };
    image.onerror = () => { URL.revokeObjectURL(source); complain("This file could not be opened as a picture. Choose another."); };
    image.src = source;
    input.value = "";
  });
  put(selfie ? 2 : 1, title,
    h("ul", { class: "tips" }, (selfie ? ["Face the camera in good light.", "Take off glasses and hats."]
      : ["The whole " + (part === "data page" ? "page" : "document") + " fits the frame.", "No reflections, no fingers on it."]).map((tip) => h("li", {}, tip))),
    frame, input,
    h("div", { class: "actions" }, use, take, button("Choose a file", () => input.click()),
      button("Skip (sandbox)", () => { draft.shots[part] = false; photograph(index + 1); }, "quiet")),
    h("div", { class: "leave" }, button("Back", () => (index ? photograph(index - 1) : chooseDocument(latest)), "quiet")), ways());
}

function check() {
  const shots = shotsOf(draft.type);
  put(2, "Send your photos?",
    h("p", {}, "Document: " + (documentNames[draft.type] || draft.type)),
    h("ul", { class: "tips" }, shots.map(({ part }) => h("li", {}, part + ": " + (draft.shots[part] ? "ready" : "skipped")))),
    h("p", { class: "small" }, "Once sent, they are checked and you cannot change them."),
    h("div", { class: "actions" }, button("Send", () => act("submit", { documentType: draft.type }), "main"),
      button("Back", () => photograph(shots.length - 1))), ways());
}

document.getElementById("stay").addEventListener("click", () => document.getElementById("leave").close());
document.getElementById("go").addEventListener("click", () => { document.getElementById("leave").close(); act("abort"); });
decision.addEventListener("change", async () => {
  try {
    await ask("POST", address + "/choose", { decision: decision.value });
    say("The sandbox will decide: " + decision.selectedOptions[0].textContent);
  } catch (error) { complain(error.message); }
});

// follow looks often while the customer waits, seldom otherwise.
async function follow() {
  if (shown !== "unknown" && !busy && !document.hidden) {
    try { await look(); } catch (error) {
      if (error.status === 404) unknown();
      else complain(error.message);
    }
  }
  setTimeout(follow, shown === "processing" ? 700 : 3000);
}

(async function open() {
  if (!id) { unknown(); return; }
  try {
    const data = await ask("GET", address);
    if (data.stage === "welcome") await act("start");       // opening the link starts the session
    else show(data);
  } catch (error) {
    if (error.status === 404) unknown();
    else complain(error.message, () => location.reload());
  }
  setTimeout(follow, 1500);
})();
