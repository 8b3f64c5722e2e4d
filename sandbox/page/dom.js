"use strict";

// h makes an element: h("p", {class: "small", onclick: f}, "text", child, …). Texts are never parsed as HTML.
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

// ask calls a JSON endpoint and throws an Error with the status and the problem's text.
async function ask(method, address, body) {
  let response;
  try {
    response = await fetch(address, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw Object.assign(new Error("There is no connection. Check that the sandbox is running."), { status: 0 });
  }
  const text = await response.text();
  let data = null;
  try { data = text ? JSON.parse(text) : null; } catch { /* told below */ }
  if (!response.ok) {
    const details = data && data.errors ? Object.values(data.errors).flat().join(" ") : "";
    const message = (data && (data.detail || details || data.title)) || "The sandbox answered " + response.status + ".";
    throw Object.assign(new Error(message), { status: response.status });
  }
  return data;
}

// say announces something to people who do not see it.
function say(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50);
}
