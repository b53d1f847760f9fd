"use strict";
// Names come from files that anybody may have named: they get into the page as text, never as HTML.

for (const slider of document.querySelectorAll(".pair input")) {
  slider.addEventListener("input", () => slider.parentElement.style.setProperty("--cut", slider.value + "%"));
}

const SLICE = 150; // rows that are added at a time
const UNFINISHED = "not finished; run the same command again";
const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
const photos = data.rows.map((row, index) => {
  const [state, result, source, toResult, toSource, said, camera, iso, sigma, origin, evidence, model, seconds] = row;
  const linked = (base, rest) => rest === null ? null : base + rest;
  const photo = { index, state, result, source, said, camera, iso, sigma, origin, model };
  photo.toResult = linked(data.bases[0], toResult);
  photo.toSource = linked(data.bases[1], toSource);
  photo.evidence = evidence || [];
  photo.seconds = seconds || [];
  photo.text = [result, source, camera, model, origin, said, state].join(" ").toLowerCase();
  return photo;
});

function element(name, text, properties = {}) {
  const made = Object.assign(document.createElement(name), properties);
  if (text !== null && text !== undefined) made.textContent = text;
  return made;
}

function fileLink(text, address) {
  return address === null ? element("span", text) : element("a", text, { href: address });
}

function photoCell(photo) {
  if (photo.state !== "done") return [fileLink(photo.source, photo.toSource)];
  const source = element("small", "from ");
  source.append(fileLink(photo.source, photo.toSource));
  return [fileLink(photo.result, photo.toResult), source];
}

const short = (origin) => origin.replace("the photo itself", "photo").replace("NoiseProfile ", "").replace("camera ", "");

function evidenceCell(photo) {
  if (!photo.evidence.length) return [];
  const details = element("details");
  const said = photo.evidence.map(([origin, sigma]) => `${short(origin)} ${sigma.toFixed(4)}`).join(" · ");
  const list = element("ul");
  for (const [origin, sigma, width] of photo.evidence) {
    list.append(element("li", `${origin}: sigma ${sigma.toFixed(4)}, give or take ${Math.round(100 * width)} %`));
  }
  list.append(element("li", `taken: ${photo.sigma.toFixed(4)}, by ${photo.origin}`));
  details.append(element("summary", said), list);
  return [details];
}

function apart(photo) { // factor between the witnesses that are furthest from each other
  const sigmas = photo.evidence.map(([, sigma]) => sigma);
  return sigmas.length ? Math.max(...sigmas) / Math.min(...sigmas) : null;
}

const total = (photo) => photo.seconds.length ? photo.seconds.reduce((sum, some) => sum + some, 0) : null;

function saidCell(photo) {
  if (photo.state === "done") return [photo.said];
  return [element("span", photo.state === "failed" ? photo.said : UNFINISHED, { className: "bad" })];
}

const written = (number, digits) => number === null || number === undefined ? [] : [number.toFixed(digits)];
const columns = [
  { title: "photo", kind: "photo", key: (photo) => photo.state === "done" ? photo.result : photo.source, cell: photoCell },
  { title: "camera", key: (photo) => photo.camera, cell: (photo) => [photo.camera || ""] },
  { title: "ISO", key: (photo) => photo.iso, cell: (photo) => written(photo.iso, 0), kind: "number" },
  { title: "sigma", hint: "noise at 18 % signal, of white", key: (photo) => photo.sigma, cell: (photo) => written(photo.sigma, 4), kind: "number" },
  { title: "evidence", hint: "what each witness says of sigma; sorted by how far they are apart", key: apart, cell: evidenceCell, kind: "words" },
  { title: "model", key: (photo) => photo.model, cell: (photo) => [photo.model || ""] },
  ...data.steps.map((step, place) => ({
    title: `${step} s`, hint: "seconds", kind: "number",
    key: (photo) => photo.seconds[place], cell: (photo) => written(photo.seconds[place], 1),
  })),
  { title: "total s", hint: "seconds", key: total, cell: (photo) => written(total(photo), 1), kind: "number" },
  { title: "warnings", key: (photo) => photo.said || null, cell: saidCell, kind: "words" },
];

let shown = photos, sortedBy = null, direction = 1;

function rowOf(photo) {
  const row = element("tr");
  for (const { cell, kind } of columns) {
    const made = element("td", null, { className: kind || "" });
    made.append(...cell(photo));
    row.append(made);
  }
  return row;
}

function addSlice() {
  const body = find("photos").tBodies[0];
  body.append(...shown.slice(body.rows.length, body.rows.length + SLICE).map(rowOf));
  const left = shown.length - body.rows.length;
  find("more").hidden = left === 0;
  find("more").textContent = `${left.toLocaleString("en")} more`;
}

const isKnown = (value) => value !== null && value !== undefined;
const collator = new Intl.Collator("en", { numeric: true });

function compare(first, second) {
  if (!isKnown(first.value) || !isKnown(second.value)) return isKnown(second.value) - isKnown(first.value);
  const order = typeof first.value === "number" ? first.value - second.value : collator.compare(first.value, second.value);
  return direction * order;
}

function sorted(some) {
  if (!sortedBy) return some;
  const keyed = some.map((photo) => ({ photo, value: sortedBy.key(photo) }));
  return keyed.sort((first, second) => compare(first, second) || first.photo.index - second.photo.index).map(({ photo }) => photo);
}

function matches(photo, text, state, model) {
  if (state === "warning" && !(photo.state === "done" && photo.said)) return false;
  if (state === "failed" && photo.state === "done") return false;
  return (!model || photo.model === model) && photo.text.includes(text);
}

function update() {
  const [text, state, model] = ["text", "state", "model"].map((id) => find(id).value);
  shown = sorted(photos.filter((photo) => matches(photo, text.trim().toLowerCase(), state, model)));
  find("photos").tBodies[0].replaceChildren();
  addSlice();
  find("count").textContent = `${shown.length.toLocaleString("en")} of ${photos.length.toLocaleString("en")} photos`;
}

function sortBy(column, head) {
  direction = sortedBy === column ? -direction : column.kind === "number" ? -1 : 1; // large numbers first
  sortedBy = column;
  for (const other of find("photos").tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
  update();
}

for (const column of columns) {
  const head = element("th", null, { className: column.kind || "", scope: "col", title: column.hint || "" });
  const button = element("button", column.title, { type: "button" });
  button.addEventListener("click", () => sortBy(column, head));
  head.append(button);
  find("photos").tHead.rows[0].append(head);
}
for (const model of [...new Set(photos.map((photo) => photo.model).filter(isKnown))].sort()) {
  find("model").append(element("option", model, { value: model }));
}
for (const link of document.querySelectorAll("[data-filter]")) { // the counts at the top
  link.addEventListener("click", () => {
    for (const id of ["text", "state", "model"]) find(id).value = id === link.dataset.filter ? link.dataset.value : "";
    update();
  });
}
for (const id of ["text", "state", "model"]) find(id).addEventListener("input", update);
find("filters").addEventListener("submit", (event) => event.preventDefault());
find("more").addEventListener("click", addSlice);
new IntersectionObserver((seen) => seen[0].isIntersecting && addSlice(), { rootMargin: "600px" }).observe(find("more"));
find("browser").hidden = false;
update();
