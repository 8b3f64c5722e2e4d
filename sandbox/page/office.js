"use strict";

const list = document.getElementById("sessions");
const trouble = document.getElementById("trouble");
const cards = new Map();           // by session id; kept over refreshes so that focus and open details stay
let reasons = [];
let limit = 50;
let faults = { webhooks: {}, api: {} };

const tone = { Approved: "good", Completed: "good", Rejected: "bad", Aborted: "bad", Expired: "bad", Suspended: "warn", Awaiting: "warn", InProgress: "warn" };
const faultNames = {
  webhooks: { drop: "Webhook is lost", duplicate: "Webhook comes twice", delay: "Webhook comes 30 s late", reorder: "Webhook is overtaken",
    newId: "Same state, new id", pascalCase: "PascalCase envelope", oldNames: "Old Idv.* names" },
  api: { tooManyRequests: "API answers 429", internalError: "API answers 500", unavailable: "API answers 503", slow: "API is slow (5 s)",
    timeoutAfterCreate: "Created, but no answer" },
};

const time = (text) => new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
const complain = (error) => trouble.replaceChildren(h("div", { class: "note bad" }, h("p", {}, error.message)));

async function attempt(work, done) {
  try {
    await work();
    trouble.replaceChildren();
    if (done) say(done);
  } catch (error) { complain(error); }
}

// Buttons that do not fit the state stay focusable: disabling them under the finger would lose the focus.
function press(label, kind, work) {
  return h("button", { type: "button", class: kind || "", onclick: (event) => {
    if (event.currentTarget.getAttribute("aria-disabled") !== "true") work();
  } }, label);
}

function makeCard(session) {
  const title = h("h2", {});
  const badges = h("div", { class: "row" });
  const facts = h("div", { class: "facts" });
  const run = (action, body) => attempt(async () => {
    update(await ask("POST", "/_sandbox/sessions/" + session.id + "/" + action, body));
  }, "Done: " + action);
  const reason = h("select", {}, reasons.map((r) => h("option", { value: r.name }, r.name + (r.critical ? " (critical)" : ""))));
  reason.value = "BlurredPhoto";
  const final = h("input", { type: "checkbox" });
  const buttons = {
    approve: press("Approve", "main", () => run("approve")),
    reject: press("Reject", "bad", () => run("reject", { reason: reason.value, final: final.checked })),
    update: press("Update document", "", () => run("update")),
    expire: press("Expire", "", () => run("expire")),
  };
  const history = h("div", { class: "scroll" });
  const webhooks = h("div", { class: "scroll" });
  const details = h("details", { ontoggle: () => details.open && refreshDetails() }, h("summary", {}, "History and webhooks"), history, webhooks);
  const link = h("a", { target: "_blank", rel: "noopener noreferrer", href: "/?id=" + encodeURIComponent(session.id) }, "Open the customer’s page");
  const root = h("li", {}, h("div", { class: "row between" }, title, badges), facts,
    h("div", { class: "row", role: "group", "aria-label": "Actions" }, buttons.approve, buttons.reject, h("label", { class: "row" }, h("span", { class: "unseen" }, "Reason"), reason),
      h("label", { class: "row" }, final, "final"), buttons.update, buttons.expire, link), details);
  let seen = "";
  let current = session;

  async function refreshDetails() {
    await attempt(async () => {
      const log = await ask("GET", "/_sandbox/deliveries?limit=200&session=" + encodeURIComponent(session.id));
      history.replaceChildren(rows("History", ["When", "What", "Session", "Identification"], current.history.map((line) =>
        [time(line.atUtc), line.what, line.status, [line.identificationStatus, line.identificationReason].filter(Boolean).join(": ")])));
      webhooks.replaceChildren(rows("Webhooks", ["Created", "Type", "State", "Attempts"], log.deliveries.map((d) =>
        [time(d.createdUtc), d.type, d.state + (d.why ? " (" + d.why + ")" : "") + (d.nextAttemptUtc ? ", next " + time(d.nextAttemptUtc) : ""),
          d.attempts.map((a) => a.status || a.error).join(", ") || "–"])));
    });
  }

  function update(s) {
    current = s;
    const state = JSON.stringify(s);
    if (state === seen) return;
    seen = state;
    const person = s.registration || {};
    title.textContent = [person.firstName, person.lastName].filter(Boolean).join(" ") || "Session " + s.number;
    badges.replaceChildren(...[["Session", s.status, s.statusReason], ["Identification", s.identificationStatus, s.identificationReason]]
      .filter(([, status]) => status).map(([what, status, why]) =>
        h("span", { class: "badge " + (tone[status] || "") }, h("span", { class: "unseen" }, what + ": "), status + (why ? ": " + why : ""))));
    facts.replaceChildren(
      h("span", { class: "mono" }, s.externalReferenceId || "no reference"),
      h("span", {}, "created " + time(s.createdUtc)),
      s.expiresUtc ? h("span", {}, "expires " + time(s.expiresUtc)) : "",
      s.scriptLeft ? h("span", {}, "script: " + s.scriptLeft.join(", ")) : "",
      h("span", {}, "webhooks: " + s.webhooks.delivered + " delivered, " + s.webhooks.pending + " waiting, " + s.webhooks.dropped + " dropped"));
    for (const [action, element] of Object.entries(buttons)) {
      element.setAttribute("aria-disabled", String(!s.allowed.includes(action)));
    }
    if (details.open) refreshDetails();
  }
  update(session);
  return { root, update };
}

function rows(caption, head, body) {
  return h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, body.map((cells) => h("tr", {}, cells.map((text) => h("td", {}, text))))));
}

async function refresh() {
  const data = await ask("GET", "/_sandbox/sessions?limit=" + limit);
  const here = new Set(data.sessions.map((s) => s.id));
  for (const [id, card] of cards) {
    if (!here.has(id)) { card.root.remove(); cards.delete(id); }
  }
  let before = list.firstChild;
  for (const s of data.sessions) {
    let card = cards.get(s.id);
    if (card) card.update(s);
    else { card = makeCard(s); cards.set(s.id, card); }
    if (card.root === before) before = before.nextSibling;
    else list.insertBefore(card.root, before);
  }
  document.getElementById("count").textContent = data.total
    ? data.sessions.length + " of " + data.total + " sessions, newest first" : "No sessions yet. Create one through the API.";
  document.getElementById("more").hidden = data.sessions.length >= data.total;
  showClock(await ask("GET", "/_sandbox/clock"));
  showFaults(await ask("GET", "/_sandbox/faults"));
}

function showClock(clock) {
  document.getElementById("now").textContent = time(clock.nowUtc);
  document.getElementById("speed").textContent = "ahead of real time by " + clock.aheadOfReal;
  const scale = document.getElementById("scale");
  if (document.activeElement === scale) return;
  if (![...scale.options].some((option) => Number(option.value) === clock.scale)) scale.append(h("option", { value: clock.scale }, clock.scale + " ×"));
  scale.value = String(clock.scale);
}

function showFaults(now) {
  faults = now;
  let on = 0;
  for (const group of ["webhooks", "api"]) {
    for (const name of Object.keys(faultNames[group])) {
      const rule = now[group][name] || {};
      if (rule.count || rule.probability) on++;
      const input = document.getElementById(group + "-" + name);
      if (document.activeElement !== input) input.value = rule.count || 0;
      document.getElementById(group + "-" + name + "-note").textContent =
        (rule.probability ? Math.round(rule.probability * 100) + " %, " : "") + (rule.fired ? "struck " + rule.fired + " ×" : "");
    }
  }
  document.getElementById("faults-on").textContent = on ? on + " on" : "all off";
}

function makeFaults() {
  const grid = document.getElementById("faults");
  for (const group of ["webhooks", "api"]) {
    for (const [name, label] of Object.entries(faultNames[group])) {
      const id = group + "-" + name;
      grid.append(h("label", { for: id }, label),
        h("input", { type: "number", min: "0", max: "9999", value: "0", id, onchange: (event) => attempt(async () => {
          const { fired, probability, ...rule } = faults[group][name] || {};
          const changed = structuredClone(faults);
          changed[group][name] = { ...rule, count: Math.max(0, Math.trunc(Number(event.target.value) || 0)) };
          showFaults(await ask("PUT", "/_sandbox/faults", changed));
        }, label + ": set") }),
        h("span", { class: "small", id: id + "-note" }));
    }
  }
}

document.getElementById("faults-off").addEventListener("click", () => attempt(async () => showFaults(await ask("DELETE", "/_sandbox/faults")), "All faults are off"));
document.getElementById("more").addEventListener("click", () => { limit += 100; attempt(refresh); });
document.getElementById("scale").addEventListener("change", (event) => attempt(async () =>
  showClock(await ask("POST", "/_sandbox/clock", { scale: Number(event.target.value) })), "Speed set"));
for (const [label, advance] of [["+ 10 min", "10m"], ["+ 2 h", "2h"], ["+ 1 day", "24h"], ["+ 7 days", "168h"]]) {
  document.getElementById("jumps").append(press(label, "", () => attempt(async () => {
    showClock(await ask("POST", "/_sandbox/clock", { advance }));
    await refresh();
  }, "Clock moved by " + label)));
}

let failing = false;
async function loop() {
  if (document.getElementById("auto").checked && !document.hidden) {
    try {
      await refresh();
      if (failing) trouble.replaceChildren();
      failing = false;
    } catch (error) { failing = true; complain(error); }
  }
  setTimeout(loop, 2000);
}

(async function open() {
  makeFaults();
  await attempt(async () => { reasons = await ask("GET", "/_sandbox/reasons"); await refresh(); });
  setTimeout(loop, 2000);
})();
