// The live page: parts that changed are sent by the server as the report draws them, and put in the place of the old ones.
const { key, version } = document.body.dataset;
const link = document.getElementById("link");
let span = windowOf(new URLSearchParams(location.search));
let source = null;
let waiting = null; // parts that came while something is dragged
let dragging = false;

function windowOf(words) {
  const [low, high] = [parseFloat(words.get("from")), parseFloat(words.get("to"))];
  return low < high ? [low, high] : null;
}

function put(parts) {
  if (dragging) {
    waiting = { ...waiting, ...parts };
    return;
  }
  for (const [name, html] of Object.entries(parts)) {
    const place = document.getElementById(`part-${name}`);
    if (place) swap(place, html);
  }
}

// What a person opened, marked or reached with the keyboard stays so.
function swap(place, html) {
  const open = [...place.querySelectorAll("details")].map((one) => one.open);
  const reached = [...place.querySelectorAll("a, button, summary, [tabindex]")].indexOf(document.activeElement);
  const at = reached >= 0 && document.activeElement.matches("svg") ? charts.marked(document.activeElement) : -1;
  const scrolled = [...place.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  place.innerHTML = html; // the server escaped what is data
  place.querySelectorAll("details").forEach((one, n) => (one.open = open[n] ?? one.open));
  place.querySelectorAll(".scroll").forEach((one, n) => (one.scrollLeft = scrolled[n] ?? 0));
  charts.ready(place);
  tables.ready(place);
  traces.ready(place);
  plays.ready(place);
  if (reached >= 0) {
    const now = [...place.querySelectorAll("a, button, summary, [tabindex]")][reached];
    now?.focus({ preventScroll: true });
    if (at >= 0 && now && charts.bands(now)[at]) charts.mark(now, at);
  }
}

function connect(from) {
  source?.close();
  const words = new URLSearchParams(from ? { version: from } : {});
  if (span) [["from", span[0]], ["to", span[1]]].forEach(([name, value]) => words.set(name, value));
  source = new EventSource(`/events/${key.split("/").map(encodeURIComponent).join("/")}?${words}`);
  source.onopen = () => (link.hidden = true);
  source.onerror = () => {
    link.textContent = "Connection lost: sonde watch, or the tunnel to it, has ended. This is the last state received; the page continues once it is back.";
    link.hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(() => connect(""), 3000);
  };
  source.onmessage = (message) => {
    const { title, gone, parts } = JSON.parse(message.data);
    if (title) document.title = title;
    link.textContent = gone;
    link.hidden = !gone;
    put(parts || {});
  };
}

// Zoom: all curves show the part of their x axis that was dragged over, in the detail that was logged there.
function zoom(to) {
  span = to;
  const words = new URLSearchParams(span ? { from: span[0], to: span[1] } : {});
  history.replaceState(null, "", span ? `?${words}` : location.pathname);
  say();
  connect("");
}

function say() {
  const line = document.getElementById("window");
  line.hidden = !span;
  if (span) line.querySelector("span").textContent = `Curves of ${unit()} ${round(span[0])} to ${round(span[1])}.`;
}
const unit = () => document.querySelector("#part-learning svg .ax")?.textContent ?? "";
const round = (value) => String(parseFloat(value.toPrecision(4)));

function scaleOf(svg) {
  const [low, high, start, end] = svg.dataset.across.split(" ").map(Number);
  return {
    place: (value) => start + ((value - low) / (high - low)) * (end - start),
    value: (place) => low + ((Math.min(end, Math.max(start, place)) - start) / (end - start)) * (high - low),
    low,
    high,
  };
}

function across(svg, event) {
  const box = svg.getBoundingClientRect();
  return ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
}

const curves = document.getElementById("part-learning");
curves.addEventListener("mousedown", (event) => {
  if (event.target.closest("svg[data-across]")) event.preventDefault(); // of the focus, which is the keyboard's, and of marking text
});
curves.addEventListener("pointerdown", (event) => {
  const svg = event.target.closest("svg[data-across]");
  if (!svg || event.button !== 0 || event.target.closest(".key")) return;
  const from = across(svg, event);
  const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  box.setAttribute("class", "zoom");
  const scale = scaleOf(svg);
  const move = (moved) => {
    const [a, b] = [from, across(svg, moved)].sort((x, y) => x - y).map((x) => scale.place(scale.value(x)));
    if (Math.abs(b - a) < 6) return;
    dragging = true;
    Object.entries({ x: a, width: b - a, y: 12, height: svg.viewBox.baseVal.height - 54 }).forEach(([n, v]) => box.setAttribute(n, v));
    if (!box.parentNode) svg.append(box);
  };
  const end = (ended) => {
    for (const [kind, does] of [["pointermove", move], ["pointerup", end], ["pointercancel", end]]) window.removeEventListener(kind, does);
    const wide = dragging && ended.type === "pointerup";
    dragging = false;
    box.remove();
    if (waiting) put(waiting);
    waiting = null;
    if (wide) {
      const [low, high] = [from, across(svg, ended)].map(scale.value).sort((x, y) => x - y);
      if (low < high) zoom([low, high]);
    }
  };
  for (const [kind, does] of [["pointermove", move], ["pointerup", end], ["pointercancel", end]]) window.addEventListener(kind, does);
});
curves.addEventListener("dblclick", (event) => {
  if (span && event.target.closest("svg[data-across]")) zoom(null);
});
document.querySelector("#window button").addEventListener("click", () => zoom(null));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && span) zoom(null);
  const svg = document.activeElement;
  if (!svg?.matches("#part-learning svg[data-across]") || !["+", "=", "-"].includes(event.key)) return;
  if (event.ctrlKey || event.metaKey) return; // the browser's own zoom
  event.preventDefault();
  const { low, high, value } = scaleOf(svg);
  const band = charts.bands(svg)[charts.marked(svg)];
  const middle = band ? value(band.x.baseVal.value + band.width.baseVal.value / 2) : (low + high) / 2;
  const half = ((high - low) / 2) * (event.key === "-" ? 2 : 0.5);
  zoom([Math.max(0, middle - half), middle + half]);
});

say();
connect(version);
