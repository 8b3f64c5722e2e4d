package webhookbridge

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kyc/ondato"
)

// hostileBodies are sent with the right credentials; want is the status and what the answer says: "accepted", why the
// event is ignored, or the field at fault.
func hostileBodies() map[string]struct{ body, want string } {
	type row = struct{ body, want string }
	rows := map[string]row{}
	add := func(name, body, want string) {
		if _, taken := rows[name]; taken {
			panic("two rows are called " + name)
		}
		rows[name] = row{body, want}
	}
	const (
		ok          = "200 accepted"
		body        = "400 body"
		application = "200 " + ignoredApplication
		setup       = "200 " + ignoredSetup
		reference   = "200 " + ignoredReference
		unknown     = "200 " + ignoredUnknown
		foreignType = "200 " + ignoredType
	)
	good := idvEvent().String()
	// inject puts a raw member in front of, or behind, the others.
	first := func(member string) string { return "{" + member + "," + good[1:] }
	last := func(member string) string { return good[:len(good)-1] + "," + member + "}" }

	// Not JSON, or not an object.
	for _, b := range []string{"", " ", "\n\t\r\n", "\x00", "hello", "<xml/>", "id=1&type=2", "{", "}", "{}}", "[", "]", `"`, `{"id"`, `{"id":`, `{"id":1`,
		`{"id":1,`, `{"id":1,}`, `{id:1}`, `{'id':1}`, "nul", "tru", "+1", "01", "1.", ".5", "1e", "0x10", "NaN", "Infinity", "-", `{"a":NaN}`,
		"// comment\n{}", "{}{}", "{} trailing", good + good, good + "]", "\xff\xfe{\x00}\x00", "\x1f\x8b\x08", "\xef\xbb", strings.Repeat("[", 100_000),
		strings.Repeat(`{"a":`, 20_000), `{"payload":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}", "\x0b{}", "\u00a0{}",
		`{"id":"\x"}`, `{"id":"\ud8"}`, "{\"id\":\"a\nb\"}", "{\"id\":\"a\x00b\"}", good[:len(good)/2], good[:len(good)-1], good[1:], "data: " + good} {
		add(fmt.Sprintf("not JSON %.30q of %d", b, len(b)), b, body)
	}
	for _, b := range []string{"null", "true", "false", "0", "-0", "1e999", `"text"`, "[]", "[{}]", "[" + good + "]", `""`, "[null]"} {
		add("not an object "+fmt.Sprintf("%.20s", b), b, body)
	}

	// Envelope.
	add("empty object", "{}", "400 id")
	for _, member := range []string{"id", "type", "createdUtc"} {
		add("no "+member, idvEvent().drop(member).String(), "400 "+member)
		for _, wrong := range []any{nil, "", 0, 1.5, true, []any{}, []any{"x"}, event{}, event{"id": "x"}} {
			add(fmt.Sprintf("%s is %v", member, wrong), idvEvent().set(member, wrong).String(), "400 "+member)
		}
		add(member+" nested in the payload", idvEvent().drop(member).set("payload."+member, "x").String(), "400 "+member)
	}
	add("id of 200 characters", idvEvent().set("id", strings.Repeat("x", 200)).String(), ok)
	add("id of 201 characters", idvEvent().set("id", strings.Repeat("x", 201)).String(), "400 id")
	add("id of 900 KiB", idvEvent().set("id", strings.Repeat("x", 900<<10)).String(), "400 id")
	add("id with NUL", idvEvent().set("id", "a\x00b").String(), "400 id")
	add("id with line break", idvEvent().set("id", "a\r\nSet-Cookie: x").String(), "400 id")
	add("id with invalid UTF-8", strings.Replace(good, eventID, "a\xffb", 1), "400 id")
	add("id with lone surrogate", strings.Replace(good, eventID, `a\ud800b`, 1), "400 id")
	add("id that is no UUID", idvEvent().set("id", "evt_1").String(), ok)
	add("id in other letters", idvEvent().set("id", "įvykis-1").String(), ok)
	add("id as SQL", idvEvent().set("id", "'; DROP TABLE events; --").String(), ok)
	add("id as template", idvEvent().set("id", "${jndi:ldap://x}").String(), ok)
	for _, when := range []string{"yesterday", "2026-11-03", "03/11/2026", "1762161360", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-03T25:00:00Z",
		"2026-11-03T09:16:00.Z", "2026-11-03 09:16:00Z", "99999-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", strings.Repeat("9", 5000), "\x00"} {
		add(fmt.Sprintf("createdUtc %.25q", when), idvEvent().set("createdUtc", when).String(), "400 createdUtc")
	}
	for _, when := range []string{"2026-11-03T09:16:00Z", "2026-11-03T09:16:00.1Z", "2026-11-03T09:16:00.123456789Z", "2026-11-03T11:16:00+02:00",
		"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "1970-01-01T00:00:00Z"} {
		add("createdUtc "+when, idvEvent().set("createdUtc", when).String(), ok)
	}

	// Type.
	for _, typ := range []string{"KybIdentification.Approved", "Form.Created", "IdentityVerification", "identityverification.statuschanged", " IdentityVerification.StatusChanged",
		"IdentityVerification.StatusChanged\x00", "KycIdentification.*", "KycIdentification.Expired", "../../x", "<script>", strings.Repeat("a.", 10_000), "テスト"} {
		add(fmt.Sprintf("type %.30q", typ), idvEvent().set("type", typ).String(), foreignType)
	}
	add("unknown type with odd payload", idvEvent().set("type", "New.Thing").set("payload", []any{1}).String(), foreignType)
	add("unknown type with odd createdUtc", idvEvent().set("type", "New.Thing").set("createdUtc", "soon").String(), foreignType)
	add("type of 2022", idvEvent().set("type", "Idv.Consented").String(), ok)

	// Application.
	for _, app := range []any{otherApplication, "x", " " + ourApplication, ourApplication + "\x00", "*"} {
		add(fmt.Sprintf("applicationId %q", app), idvEvent().set("applicationId", app).String(), application)
	}
	for _, app := range []any{nil, 7, true, []any{ourApplication}, event{"id": ourApplication}} {
		add(fmt.Sprintf("applicationId %v nowhere else", app), idvEvent().set("applicationId", app).drop("payload.applicationId").String(), application)
	}

	// Payload.
	add("no payload", idvEvent().drop("payload").String(), "400 payload.id")
	for _, wrong := range []any{nil, "", "x", 0, true, []any{}, []any{event{"id": sessionID}}, event{}} {
		add(fmt.Sprintf("payload is %v", wrong), idvEvent().set("payload", wrong).String(), "400 payload.id")
	}
	badIDs := []any{nil, "", 0, 1e300, true, []any{sessionID}, event{}, "x", "null", sessionID + " ", " " + sessionID, sessionID[:35], sessionID + "0",
		strings.ReplaceAll(sessionID, "-", ""), "{" + sessionID + "}", "urn:uuid:" + sessionID, "../../../admin", sessionID[:35] + "g",
		"%2e%2e", sessionID[:34] + "\x00\x00", "https://idv.example.test/?id=" + sessionID, strings.Repeat("0", 100_000)}
	for _, bad := range badIDs {
		add(fmt.Sprintf("payload.id %.40q %T", fmt.Sprint(bad), bad), idvEvent().set("payload.id", bad).String(), "400 payload.id")
		add(fmt.Sprintf("payload.identityVerificationId %.40q %T", fmt.Sprint(bad), bad),
			kycEvent().set("payload.identityVerificationId", bad).String(), "400 payload.identityVerificationId")
	}
	add("payload.id is the nil UUID", idvEvent().set("payload.id", "00000000-0000-0000-0000-000000000000").String(), ok)
	const stranger = "1f2a7f0e-1d7e-4f7a-8d3b-3a4c5d6e7f80" // a session of no other row
	ofStranger := func() event { return kycEvent().set("payload.identityVerificationId", stranger) }
	add("identification's id is not needed", ofStranger().set("payload.id", "anything").String(), unknown)
	add("identification's id is missing", ofStranger().drop("payload.id").String(), unknown)
	add("identification's id is a number", ofStranger().set("payload.id", 5).String(), unknown)
	for _, ref := range []string{"shop-17", "b3c0e5a2-5c0e-4b41-9b0a-6f0f52a7c001", string(ourID) + " ", "{" + string(ourID) + "}", "urn:uuid:" + string(ourID),
		strings.ReplaceAll(string(ourID), "-", ""), "onboarding-" + string(ourID), "../" + string(ourID), string(ourID) + "\x00", "ona@example.test", strings.Repeat("5", 100_000)} {
		add(fmt.Sprintf("reference %.40q", ref), idvEvent().set("payload.externalReferenceId", ref).String(), reference)
	}
	for _, ref := range []any{nil, "", 5, true, []any{string(ourID)}} { // as good as none: Ondato is asked, who does not know
		add(fmt.Sprintf("reference %v", ref), idvEvent().set("payload.id", stranger).set("payload.externalReferenceId", ref).String(), unknown)
	}
	for _, id := range []any{otherSetup, "x", "*", "\x00"} {
		add(fmt.Sprintf("setup %q", id), idvEvent().set("payload.setup.id", id).String(), setup)
	}
	for _, odd := range []any{nil, "x", 5, []any{}, event{}, event{"id": 5}, event{"id": nil}} {
		add(fmt.Sprintf("setup is %v", odd), idvEvent().set("payload.setup", odd).String(), ok)
	}
	for _, odd := range []any{nil, "", "Unheard", 5, true, []any{}, event{}, "a\x00b", strings.Repeat("x", 10_000)} {
		add(fmt.Sprintf("status %.20v", odd), idvEvent().set("payload.status", odd).String(), ok)
	}
	for _, odd := range []any{nil, "x", 5, []any{}, event{"kycIdentification": 5}, event{"kycIdentification": []any{event{"id": "x"}}}} {
		add(fmt.Sprintf("step is %v", odd), idvEvent().set("payload.step", odd).String(), ok)
	}

	// Oddities of JSON that are still one event.
	add("byte order mark", "\ufeff"+good, ok)
	add("white space round it", " \r\n\t"+good+"\n\n ", ok)
	add("PascalCase envelope", strings.NewReplacer(`"id":"`+eventID, `"Id":"`+eventID, `"type"`, `"Type"`, `"createdUtc":"2026-11-03T09:16`, `"CreatedUtc":"2026-11-03T09:16`,
		`"payload"`, `"Payload"`).Replace(good), ok)
	add("escaped letters", strings.Replace(good, `"type":"I`, `"type":"\u0049`, 1), ok)
	add("unknown members", last(`"deliveredUtc":null,"isDelivered":false,"x":{"y":[1,2,{"z":null}]}`), ok)
	add("huge number elsewhere", last(`"n":`+strings.Repeat("9", 10_000)), ok)
	add("huge exponent elsewhere", last(`"n":1e999999999`), ok)
	add("invalid UTF-8 elsewhere", last("\"n\":\"\xff\xfe\""), ok)
	add("lone surrogate elsewhere", last(`"n":"\ud800"`), ok)
	add("nested 5,000 deep elsewhere", last(`"n":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), ok)
	add("10,000 members", last(strings.TrimSuffix(strings.Repeat(`"n":1,`, 10_000), ",")), ok)
	add("member called __proto__", last(`"__proto__":{"id":"x"}`), ok)
	add("empty member name", last(`"":1`), ok)
	add("id twice, the last counts", first(`"id":"first"`), ok)
	add("id twice, the last in another type is skipped", last(`"id":5`), ok)
	add("type twice, the last counts", last(`"type":"Form.Created"`), foreignType)
	add("application twice, the last counts", last(`"applicationId":"`+otherApplication+`"`), application)
	add("application twice in other case, the last counts", last(`"APPLICATIONID":"`+otherApplication+`"`), application)
	add("application twice, ours last", first(`"applicationId":"`+otherApplication+`"`), ok)
	add("payload twice, the later members win", last(`"payload":{"id":"x"}`), "400 payload.id")
	add("payload null afterwards changes nothing", last(`"payload":null`), ok)

	// Size.
	pad := func(size int) string {
		filled := last(`"n":""`)
		return last(`"n":"` + strings.Repeat("x", size-len(filled)) + `"`)
	}
	add("exactly 1 MiB", pad(maxBody), ok)
	add("1 MiB and one byte", pad(maxBody+1), "413 body")
	add("3 MiB", pad(3<<20), "413 body")
	add("3 MiB of nothing", strings.Repeat(" ", 3<<20), "413 body")
	return rows
}

func TestHostile_Bodies_AreAnsweredExactly(t *testing.T) {
	t.Parallel()
	f := start(t)
	rows := hostileBodies()
	require.GreaterOrEqual(t, len(rows), 150)
	accepted := 0
	for name, c := range rows {
		t.Run(name, func(t *testing.T) {
			got := f.in(t).post(c.body)
			require.Equal(t, c.want, got.said(), got.body)
			require.Less(t, len(got.body), 600, "an answer repeats nothing of the request")
		})
		if c.want == "200 accepted" {
			accepted++
		}
	}
	require.Len(t, f.temporal.received(), accepted)
	require.NotContains(t, f.logs.String(), "panic")
	require.NotContains(t, f.logs.String(), sessionID)
	require.Less(t, strings.Count(f.get(routeMetrics).body, "\n"), 150, "a sender cannot make up series")
}

func zipped(body string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, body)
	_ = w.Close()
	return out.String()
}

// TestHostile_RawRequests_AreAnsweredExactly speaks to the port byte by byte; what a row does not say is "HTTP/1.1,
// right credentials, one good event".
func TestHostile_RawRequests_AreAnsweredExactly(t *testing.T) {
	t.Parallel()
	f := start(t)
	good := idvEvent().String()
	const auth = "Authorization: Basic b25kYXRvOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==\r\n" // ondato:correct horse battery
	request := func(line, headers, body string) string {
		return line + "\r\nHost: bridge.example.test\r\nConnection: close\r\n" + headers + "\r\n" + body
	}
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }
	post := "POST " + routeWebhook + " HTTP/1.1"
	chunked := func(chunks ...string) string {
		var b strings.Builder
		for _, c := range chunks {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(c), c)
		}
		return b.String() + "0\r\n\r\n"
	}
	const te = "Transfer-Encoding: chunked\r\n"
	signature := func(at time.Time, body string) string {
		return ondato.SignatureHeader + ": " + sign(hmacSecret, at, body) + "\r\n"
	}
	now := time.Now()
	huge := strings.Repeat("x", 3<<20)

	for _, c := range []struct {
		name, raw string
		want      int
	}{
		{"good", request(post, auth+length(len(good)), good), 200},
		{"HTTP/1.0", request("POST "+routeWebhook+" HTTP/1.0", auth+length(len(good)), good), 200},
		{"HTTP/1.0 without length", request("POST "+routeWebhook+" HTTP/1.0", auth, ""), 400},
		{"HTTP/1.1 without host", post + "\r\n" + auth + length(len(good)) + "\r\n" + good, 400},
		{"HTTP/3.7", request("POST "+routeWebhook+" HTTP/3.7", auth+length(len(good)), good), 505},
		{"not HTTP", "hello\r\n\r\n", 400},
		{"TLS to the plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"chunked, one chunk", request(post, auth+te, chunked(good)), 200},
		{"chunked, byte by byte", request(post, auth+te, chunked(strings.Split(good, "")...)), 200},
		{"chunked, empty", request(post, auth+te, chunked()), 400},
		{"chunked, with trailer", request(post, auth+te+"Trailer: X-A\r\n", strings.TrimSuffix(chunked(good), "\r\n")+"X-A: b\r\n\r\n"), 200},
		{"chunked, bad size", request(post, auth+te, "zz\r\n"+good+"\r\n0\r\n\r\n"), 400},
		{"chunked, size too long", request(post, auth+te, "ffffffffffffffffff\r\n"+good), 400},
		{"chunked, no end", request(post, auth+te, fmt.Sprintf("%x\r\n%s\r\n", len(good), good)), 400},
		{"chunked, too large", request(post, auth+te, chunked(huge)), 413},
		{"chunked and length", request(post, auth+te+length(3), chunked(good)), 200},
		{"two lengths", request(post, auth+length(len(good))+length(3), good), 400},
		{"negative length", request(post, auth+length(-1), good), 400},
		{"length in words", request(post, auth+"Content-Length: many\r\n", good), 400},
		{"length beyond 64 bits", request(post, auth+"Content-Length: 99999999999999999999\r\n", good), 400},
		{"length of a terabyte", request(post, auth+"Content-Length: 1099511627776\r\n", ""), 413},
		{"length longer than the body", request(post, auth+length(len(good)+10), good), 400},
		{"length shorter than the body", request(post, auth+length(len(good)-10), good), 400},
		{"unknown transfer encoding", request(post, auth+"Transfer-Encoding: gzip\r\n", good), 501}, // net/http, as RFC 9112 section 6.1 asks
		{"gzip", request(post, auth+"Content-Encoding: gzip\r\n"+length(len(zipped(good))), zipped(good)), 415},
		{"gzip claimed, plain sent", request(post, auth+"Content-Encoding: gzip\r\n"+length(len(good)), good), 415},
		{"brotli", request(post, auth+"Content-Encoding: br\r\n"+length(len(good)), good), 415},
		{"two encodings", request(post, auth+"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n"+length(len(good)), good), 415},
		{"identity", request(post, auth+"Content-Encoding: identity\r\n"+length(len(good)), good), 200},
		{"gzip unannounced", request(post, auth+length(len(zipped(good))), zipped(good)), 400},
		{"gzip from a stranger", request(post, "Content-Encoding: gzip\r\n"+length(len(good)), good), 401},
		{"gzip signed", request(post, "Content-Encoding: gzip\r\n"+signature(now, zipped(good))+length(len(zipped(good))), zipped(good)), 415},
		{"no content type", request(post, auth+length(len(good)), good), 200},
		{"odd content type", request(post, auth+"Content-Type: image/png\r\n"+length(len(good)), good), 200},
		{"expect 100", request(post, auth+"Expect: 100-continue\r\n"+length(len(good)), good), 200},
		{"expect something else", request(post, auth+"Expect: miracles\r\n"+length(len(good)), good), 417},
		{"header over the limit", request(post, auth+"X-Big: "+strings.Repeat("x", 64<<10)+"\r\n"+length(len(good)), good), 431},
		{"many headers over the limit", request(post, auth+strings.Repeat("X-A: b\r\n", 8000)+length(len(good)), good), 431},
		{"path over the limit", request("POST "+routeWebhook+"?"+strings.Repeat("x", 64<<10)+" HTTP/1.1", auth+length(len(good)), good), 431},
		{"credentials over the limit of sense", request(post, "Authorization: Basic "+strings.Repeat("QUJD", 2000)+"\r\n"+length(len(good)), good), 401},
		{"signature over the limit of sense", request(post, ondato.SignatureHeader+": t="+strings.Repeat("1", 8000)+"\r\n"+length(len(good)), good), 401},
		{"header with NUL", request(post, auth+"X-A: a\x00b\r\n"+length(len(good)), good), 400},
		{"header with a space in its name", request(post, auth+"X A: b\r\n"+length(len(good)), good), 400},
		{"folded header", request(post, auth+"X-A: b\r\n c\r\n"+length(len(good)), good), 200},
		{"two authorizations, right first", request(post, auth+"Authorization: Basic eDp5\r\n"+length(len(good)), good), 200},
		{"two authorizations, right last", request(post, "Authorization: Basic eDp5\r\n"+auth+length(len(good)), good), 401},
		{"query is not looked at", request("POST "+routeWebhook+"?a=%zz&b=%00 HTTP/1.1", auth+length(len(good)), good), 200},
		{"credentials in the address", request("POST http://ondato:pw@bridge.example.test"+routeWebhook+" HTTP/1.1", length(len(good)), good), 401},
		{"absolute address", request("POST http://elsewhere.example.test"+routeWebhook+" HTTP/1.1", auth+length(len(good)), good), 200},
		{"path with slash at its end", request("POST "+routeWebhook+"/ HTTP/1.1", auth+length(len(good)), good), 404},
		{"path with dots", request("POST /webhooks/../webhooks/ondato HTTP/1.1", auth+length(len(good)), good), 404},
		{"path in capitals", request("POST /Webhooks/Ondato HTTP/1.1", auth+length(len(good)), good), 404},
		{"path escaped badly", request("POST /%zz HTTP/1.1", auth+length(len(good)), good), 400},
		{"GET", request("GET "+routeWebhook+" HTTP/1.1", auth, ""), 405},
		{"PUT", request("PUT "+routeWebhook+" HTTP/1.1", auth+length(len(good)), good), 405},
		{"HEAD", request("HEAD "+routeWebhook+" HTTP/1.1", auth, ""), 405},
		{"OPTIONS *", request("OPTIONS * HTTP/1.1", auth, ""), 200}, // net/http
		{"CONNECT", request("CONNECT bridge.example.test:443 HTTP/1.1", auth, ""), 404},
		{"invented method", request("FROB "+routeWebhook+" HTTP/1.1", auth, ""), 405},
		{"signed", request(post, signature(now, good)+length(len(good)), good), 200},
		{"signed, chunked", request(post, signature(now, good)+te, chunked(good[:7], good[7:])), 200},
		{"signed, body changed on the way", request(post, signature(now, good)+length(len(good)), strings.Replace(good, "InProgress", "Completed!", 1)), 401},
		{"signed, white space added", request(post, signature(now, good)+length(len(good)+1), good+" "), 401},
		{"signed, empty", request(post, signature(now, "")+length(0), ""), 400},
		{"signed, garbage", request(post, signature(now, "garbage")+length(7), "garbage"), 400},
		{"signed 26 hours ago", request(post, signature(now.Add(-26*time.Hour), good)+length(len(good)), good), 401},
		{"signed tomorrow", request(post, signature(now.Add(24*time.Hour), good)+length(len(good)), good), 401},
		{"signed, too large to check", request(post, signature(now, huge)+length(len(huge)), huge), 413},
		{"forged signature, too large to check", request(post, ondato.SignatureHeader+": t="+fmt.Sprint(now.Unix())+",s="+strings.Repeat("0", 64)+"\r\n"+length(len(huge)), huge), 413},
		{"stranger, chunked, too large", request(post, te, chunked(huge)), 401},
		{"forged forwarding headers", request(post, auth+"X-Forwarded-For: 20.31.10.47\r\nX-Real-Ip: 1\r\nForwarded: for=x\r\n"+length(len(good)), good), 200},
		{"event with reference of nobody", request(post, auth+length(2), "{}"), 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f.speaks(t, c.raw, c.want)
		})
	}
}

// speaks sends raw bytes, closes its side, and reads the final answer.
func (f *fixture) speaks(t *testing.T, raw string, want int) {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	require.NoError(t, err)
	defer connection.Close()
	require.NoError(t, connection.SetDeadline(time.Now().Add(15*time.Second)))
	go func() { // the answer may come before everything is sent
		_, _ = io.WriteString(connection, raw)
		if half, ok := connection.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
	}()
	method, _, _ := strings.Cut(raw, " ")
	if method == http.MethodConnect { // a success answer to CONNECT would have no body; ours is none
		method = http.MethodGet
	}
	reader := bufio.NewReader(connection)
	response, err := http.ReadResponse(reader, &http.Request{Method: method})
	for err == nil && response.StatusCode == http.StatusContinue {
		response, err = http.ReadResponse(reader, &http.Request{Method: method})
	}
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, want, response.StatusCode)
	require.NotContains(t, f.logs.String(), "msg=panic")
}

func TestHostile_SlowBody_IsCutOff(t *testing.T) {
	t.Parallel()
	f := start(t)
	for name, signed := range map[string]bool{"with credentials": false, "with a signature": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
			require.NoError(t, err)
			defer connection.Close()
			header := "Authorization: Basic b25kYXRvOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==\r\n"
			if signed {
				header = ondato.SignatureHeader + ": " + sign(hmacSecret, time.Now(), "") + "\r\n"
			}
			_, err = io.WriteString(connection, "POST "+routeWebhook+" HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n"+header+"\r\n{\"id\":")
			require.NoError(t, err)
			began := time.Now()
			require.NoError(t, connection.SetReadDeadline(began.Add(10*time.Second)))
			response, err := http.ReadResponse(bufio.NewReader(connection), nil)
			require.NoError(t, err)
			defer response.Body.Close()
			require.Equal(t, http.StatusRequestTimeout, response.StatusCode)
			require.Less(t, time.Since(began), patience)
		})
	}
}

func TestHostile_SlowHeader_IsCutOff(t *testing.T) {
	t.Parallel()
	f := start(t)
	connection, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	require.NoError(t, err)
	defer connection.Close()
	_, err = io.WriteString(connection, "POST "+routeWebhook+" HTTP/1.1\r\nHost: x\r\n")
	require.NoError(t, err)
	require.NoError(t, connection.SetReadDeadline(time.Now().Add(10*time.Second)))
	rest, err := io.ReadAll(connection)
	require.NoError(t, err, "closed by the server, not by our deadline")
	require.NotContains(t, string(rest), "200")
}

func TestHostile_BodyArrivesLate_DeliveryStillHasItsTime(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.temporal.does(func(_ context.Context, call int, _ *signalRequest) error {
		if call < 3 {
			return busyError()
		}
		return nil
	})
	good := idvEvent().String()
	reader, writer := io.Pipe()
	r, err := http.NewRequest(http.MethodPost, f.url+routeWebhook, reader)
	require.NoError(t, err)
	r.SetBasicAuth(basicUser, basicPassword)
	go func() {
		_, _ = io.WriteString(writer, good[:10])
		timer := time.NewTimer(bodyPatience - time.Second)
		<-timer.C
		_, _ = io.WriteString(writer, good[10:])
		_ = writer.Close()
	}()
	require.Equal(t, "200 accepted", f.do(r).said())
}
