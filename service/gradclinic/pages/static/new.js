// Sends the form as it is changed, and takes over the page that the service makes of it. Nothing is stored by that.

import { drawFigure } from "./app.js";

const PAUSE_MS = 300;
const form = document.getElementById("new");
const said = document.getElementById("checked");
let timer;
let waiting = false; // whether the page does not yet show the last change
let changes = 0;

// Makes an element like a fresh one, and keeps what people are at: the focus, a text that is typed, what is unfolded.
function become(old, fresh, source) {
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if ("drawn" in old.dataset) return; // a chart, which is drawn anew
  const kept = old.nodeName === "DETAILS" ? ["open"] : "scripted" in old.dataset ? ["hidden"] : [];
  if (old.dataset.unfold !== fresh.dataset.unfold) old.open = fresh.open; // something in it was set
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !kept.includes(name)) old.setAttribute(name, value);
  }
  const others = [...fresh.childNodes];
  [...old.childNodes].slice(others.length).forEach((each) => each.remove());
  others.forEach((each, index) => {
    if (index < old.childNodes.length) become(old.childNodes[index], each, source);
    else old.append(each);
  });
  const typed = old === document.activeElement && old.matches("input[type=text], textarea");
  if (typed && (old.id !== "json" || source === old)) return;
  if ("checked" in old) old.checked = old.defaultChecked;
  if (old.matches("input:not([type=checkbox], [type=radio]), textarea")) old.value = old.defaultValue;
  if (old.nodeName === "SELECT") old.selectedIndex = [...old.options].findIndex((each) => each.defaultSelected);
}

async function update(source, button) {
  clearTimeout(timer);
  const number = ++changes;
  waiting = true;
  const data = new URLSearchParams(new FormData(form, button));
  if (source?.id !== "json") data.delete("json"); // the text that is being edited counts, or else the fields
  const answer = await fetch(form.action, { method: "POST", body: data }).catch(() => null);
  if (number !== changes) return; // there is a newer change
  if (!answer?.ok) {
    said.textContent = "The service did not check this; it may be gone, or you are logged out.";
    return;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (number !== changes) return;
  become(form, document.importNode(fresh.getElementById("new"), true), source);
  waiting = false;
  const figure = form.querySelector("[data-figure]");
  if (figure) await drawFigure(figure);
}

form.addEventListener("input", (event) => {
  waiting = true;
  changes += 1;
  clearTimeout(timer);
  timer = setTimeout(() => update(event.target), event.target.matches("select, [type=checkbox], [type=radio]") ? 0 : PAUSE_MS);
});
// Leaving the JSON shows it as the service reads it.
form.addEventListener("change", (event) => {
  if (event.target.id === "json") update(event.target);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  update(null, event.submitter);
});
// What is started is what was checked last.
form.addEventListener(
  "click",
  async (event) => {
    const start = event.target.closest("[data-post]");
    if (!start || !waiting) return;
    event.stopPropagation();
    await update(document.activeElement);
    if (!waiting && !start.disabled) start.click();
  },
  true,
);
for (const each of document.querySelectorAll("[data-scripted]")) each.hidden = false;
