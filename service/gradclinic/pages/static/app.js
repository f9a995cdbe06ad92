// Draws the charts, keeps a page fresh while something runs, copies and posts. The pages read without it.

import { fitTables } from "./narrow.js";

const { plotly: plotlyAddress, styles: plotlyStyles } = document.querySelector("script[data-plotly]").dataset;
let plotlyLoads;

// Plotly writes style attributes, which the page's policy refuses; the same through the style object is allowed.
function styleWithoutAttributes() {
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style") this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
  // It also adds a style sheet for maps, which the policy would refuse; where one has its name, it does not.
  for (const id of plotlyStyles.split(" ").filter(Boolean)) {
    document.head.append(Object.assign(document.createElement("style"), { id }));
  }
}

function loadPlotly() {
  if (!plotlyLoads) styleWithoutAttributes();
  plotlyLoads ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = plotlyAddress;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("The charts could not be loaded."));
    document.head.append(script);
  });
  return plotlyLoads;
}

const CONFIG = {
  responsive: true,
  displaylogo: false,
  // The buttons that have a meaning here: Plotly's own choice includes one that sends a chart to another host.
  modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
  plotlyServerURL: "",
};

// A line above a chart that is wider than the chart goes on in the next one.
function wrapped(text, letters = 40) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length > letters) lines.push("");
    lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines.join("<br>");
}

// The figures come without a background and without colours of the page: the words take the page's ink.
function inInk(layout, chart) {
  const style = getComputedStyle(document.body);
  const narrow = window.matchMedia("(max-width: 40rem)").matches;
  // A transparent ground makes Plotly paint a grey box behind its buttons.
  const modebar = { bgcolor: "rgba(0,0,0,0)", color: style.color, activecolor: style.color };
  // Long names would take a narrow window's whole width.
  const short = (text) => (text.length > 16 ? `${text.slice(0, 15)}…` : text);
  const { xaxis: x, yaxis: y } = layout;
  const fitted = {};
  if (chart.clientWidth < 720) {
    const letters = narrow ? 40 : 70;
    fitted.annotations = layout.annotations?.map((each) => ({ ...each, text: wrapped(each.text, letters) }));
  }
  if (chart.clientWidth < 720 && !layout.xaxis2) {
    fitted.xaxis = { ...x, title: { ...x.title, text: wrapped(x.title.text), font: { size: 11 } } };
    if (narrow && y?.ticktext) fitted.yaxis = { ...y, ticktext: y.ticktext.map(short) };
  }
  const above = (fitted.annotations ?? []).filter((each) => each.yref === "paper" && each.yanchor === "bottom");
  const lines = Math.max(1, ...above.map((each) => each.text.split("<br>").length));
  return {
    ...layout,
    ...fitted,
    modebar,
    title: undefined,
    font: { ...layout.font, color: style.color, family: style.fontFamily },
    margin: { ...layout.margin, t: 15 + 15 * lines, ...(narrow ? { l: 45, r: 20 } : {}) },
  };
}

// What a figure draws: the answer of the service, or a text of the page itself.
async function contentOf({ dataset: { figure: address } }) {
  if (address.startsWith("#")) return JSON.parse(document.querySelector(address).textContent);
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail ?? body.title ?? "There is nothing to show.");
  return body;
}

export async function drawFigure(figure) {
  const chart = figure.querySelector(".chart");
  try {
    const body = await contentOf(figure);
    const Plotly = await loadPlotly();
    if (chart.classList.contains("empty")) chart.replaceChildren();
    chart.classList.remove("empty");
    chart.classList.toggle("tall", Boolean(body.layout.yaxis3));
    // Some figures know how high they are; Plotly forgets it when the window changes, and measures the place.
    chart.style.minHeight = body.layout.height ? `${body.layout.height}px` : "";
    chart.classList.toggle("broad", Boolean(body.layout.xaxis2)); // panels side by side scroll in a narrow window
    await Plotly.react(chart, body.data, inInk(body.layout, chart), CONFIG);
  } catch (error) {
    if (chart.querySelector(".plotly")) return; // keep what is there
    chart.classList.add("empty");
    chart.textContent = error.message;
  }
}

const figures = () => [...document.querySelectorAll("[data-figure]")];
const drawAll = () => Promise.all(figures().filter((each) => !("later" in each.dataset)).map(drawFigure));

// --- choices beside a chart ---------------------------------------------------------------------------

document.addEventListener("change", (event) => {
  const choice = event.target.closest("[data-choice]");
  if (!choice) return;
  for (const figure of figures().filter((each) => choice.dataset.choice.split(" ").some((name) => each.dataset.figure.includes(`/${name}`)))) {
    const address = new URL(figure.dataset.figure, location.href);
    address.searchParams.set(event.target.name, event.target.value);
    figure.dataset.figure = address.pathname + address.search;
    for (const link of figure.querySelectorAll(".forms a")) {
      const there = new URL(link.href);
      there.searchParams.set(event.target.name, event.target.value);
      link.href = there.pathname + there.search;
    }
    drawFigure(figure);
  }
});

// --- staying fresh --------------------------------------------------------------------------------------

const LISTS_MS = 2000;
const EVENTS_MS = 1000;
const CHARTS_MS = 4000;
const ALIVE_MS = 5000;
const PATIENCE_MS = 8000;
const served = new WeakMap([...document.querySelectorAll("[data-part]")].map((part) => [part, part.innerHTML]));
let refreshing = false;
let chartsDrawn = Date.now();

// Says on the page whether the service answers; returns whether it is back after an absence.
function told(answers) {
  const notice = document.querySelector(".gone");
  const back = answers && !notice.hidden;
  notice.hidden = answers;
  return back;
}

// A fetch that gives up on a service that hangs. A proxy answers 502 to 504 for a service that is gone.
async function ask(address, accept) {
  try {
    const answer = await fetch(address, { headers: { Accept: accept }, signal: AbortSignal.timeout(PATIENCE_MS) });
    return [502, 503, 504].includes(answer.status) ? null : answer;
  } catch {
    return null;
  }
}

// Fetches the page again and takes over its marked parts; returns whether something still runs.
async function refresh() {
  const answer = await ask(location.href, "text/html");
  const back = told(answer !== null);
  if (!answer?.ok) return true;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const other = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!other || served.get(part) === other.innerHTML) continue;
    served.set(part, other.innerHTML);
    const open = new Map([...part.querySelectorAll("details")].map((each) => [each.id, each.open]));
    const chosen = new Set([...part.querySelectorAll("input:checked")].map((each) => each.value));
    part.replaceChildren(...other.childNodes);
    for (const each of part.querySelectorAll("input[type=checkbox]")) each.checked = chosen.has(each.value);
    for (const each of part.querySelectorAll("details")) each.open = open.get(each.id) ?? each.open;
  }
  fitTables();
  for (const figure of document.querySelectorAll("[data-later]")) {
    const address = new URL(figure.dataset.figure, location.href).pathname;
    const other = [...fresh.querySelectorAll("[data-figure]")].find((each) => each.dataset.figure.startsWith(address));
    if (!other || "later" in other.dataset) continue;
    delete figure.dataset.later;
    chartsDrawn = 0;
  }
  const live = fresh.querySelector("main").hasAttribute("data-live");
  if (!live || back || Date.now() - chartsDrawn > CHARTS_MS) {
    chartsDrawn = Date.now();
    await drawAll();
  }
  return live;
}

// Notices on a page that no longer changes whether the service still answers, and shows what is new when it is back.
function keepWatch() {
  setInterval(async () => {
    if (document.hidden) return;
    if (told((await ask("/livez", "application/json")) !== null)) await refresh();
  }, ALIVE_MS);
}

function keepFresh() {
  const main = document.querySelector("main[data-live]");
  if (!main) {
    keepWatch();
    return;
  }
  let source;
  let timer;
  const look = async () => {
    clearTimeout(timer);
    timer = undefined;
    if (refreshing) return;
    refreshing = true;
    let live = true;
    try {
      if (!document.hidden) live = await refresh();
    } finally {
      refreshing = false;
    }
    if (live) {
      timer ??= setTimeout(look, LISTS_MS);
    } else {
      source?.close();
      keepWatch();
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, EVENTS_MS);
  };
  if (main.dataset.live) {
    source = new EventSource(main.dataset.live);
    let due = 0;
    const onEvent = () => {
      if (Date.now() < due) return;
      due = Date.now() + EVENTS_MS;
      soon();
    };
    for (const kind of ["message", "progress", "finding", "run", "done"]) source.addEventListener(kind, onEvent);
    source.addEventListener("done", () => source.close());
    source.addEventListener("error", onEvent); // the connection broke: look whether the service is still there
  }
  timer = setTimeout(look, LISTS_MS);
}

// Where people log in, a request that changes something has the token of the page.
const csrfToken = document.querySelector("meta[name=csrf-token]")?.content;
export const csrfHeader = csrfToken ? { "X-CSRF-Token": csrfToken } : {};

// --- buttons --------------------------------------------------------------------------------------------

// What can be done with each of the selected runs, and what is said of those with which it was done.
const EACH = {
  cancel: { send: (run) => [`/v1/runs/${run}/cancel`, "POST"], done: "cancelled" },
  delete: { send: (run) => [`/v1/runs/${run}`, "DELETE"], done: "deleted" },
};

for (const button of document.querySelectorAll("[data-each]")) button.hidden = false;

async function withEach(button) {
  const form = button.closest("form");
  const said = form.querySelector(".answer");
  const runs = [...form.querySelectorAll("input[name=run]:checked")].map((box) => box.value);
  if (!runs.length) {
    said.textContent = "No run is selected.";
    return;
  }
  const { send, done } = EACH[button.dataset.each];
  const number = `${runs.length} run${runs.length > 1 ? "s" : ""}`;
  if (button.dataset.each === "delete" && !confirm(`Delete ${number} with everything recorded?`)) return;
  const refusals = [];
  for (const run of runs) {
    const [address, method] = send(run);
    const answer = await fetch(address, { method, headers: { Accept: "application/json", ...csrfHeader } }).catch(() => null);
    if (answer?.ok) continue;
    const body = await answer?.json().catch(() => null);
    refusals.push(body?.detail ?? body?.title ?? "The service did not answer.");
  }
  await refresh();
  const left = refusals.length ? ` ${refusals.length} refused: ${[...new Set(refusals)].slice(0, 3).join("; ")}` : "";
  said.textContent = `${runs.length - refusals.length} of ${number} ${done}.${left}`;
}

document.addEventListener("click", async (event) => {
  const each = event.target.closest("[data-each]");
  if (each) {
    await withEach(each);
    return;
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const text = document.getElementById(copy.dataset.copy);
    // Browsers lend the clipboard to https and to this machine only; elsewhere the text is selected.
    const copied = await navigator.clipboard?.writeText(text.textContent).then(() => true, () => false);
    if (!copied) getSelection().selectAllChildren(text);
    copy.textContent = copied ? "Copied" : "Selected";
    return;
  }
  const post = event.target.closest("[data-post]");
  if (!post) return;
  post.disabled = true;
  const said = post.parentElement.querySelector(".answer");
  const answer = await fetch(post.dataset.post, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", ...csrfHeader },
    body: document.getElementById(post.dataset.body).textContent,
  }).catch(() => null);
  const body = await answer?.json().catch(() => null);
  if (answer?.ok && body?.urls?.page) {
    location.href = body.urls.page;
    return;
  }
  post.disabled = false;
  said.textContent = body?.detail ?? body?.title ?? "The service did not answer.";
});

// --- uploads -------------------------------------------------------------------------------------------

const KINDS = { npz: "application/x-npz", csv: "text/csv", parquet: "application/vnd.apache.parquet" };

for (const form of document.querySelectorAll("[data-upload]")) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = form.querySelector(".answer");
    const { file, target } = form.elements;
    const [chosen] = file.files;
    const address = new URL(form.dataset.upload, location.href);
    if (target.value) address.searchParams.set("target", target.value);
    const kind = KINDS[chosen.name.split(".").at(-1).toLowerCase()] ?? "application/octet-stream";
    said.textContent = "Uploading ...";
    const headers = { "Content-Type": kind, Accept: "application/json", ...csrfHeader };
    const answer = await fetch(address, { method: "POST", headers, body: chosen }).catch(() => null);
    const body = await answer?.json().catch(() => null);
    if (answer?.ok) location.reload();
    else said.textContent = body?.detail ?? body?.title ?? "The service did not answer.";
  });
}

fitTables();
drawAll();
keepFresh();
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
