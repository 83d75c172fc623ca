// Figures that one can read values off and hide curves in, with a pointer, a finger or the keyboard. What a figure tells stands in
// its <title> elements (figures.py); without this script the browser shows them by itself.
const charts = (() => {
  const hidden = new Set(); // "title of the figure|name of the curve": kept where a figure is drawn anew
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  document.body.append(tip);

  // The text of an element, which is taken out of its <title>: the browser would show it a second time.
  const told = (part) => {
    const title = part.querySelector(":scope > title");
    if (title) {
      part.dataset.told = title.textContent;
      title.remove();
    }
    return part.dataset.told || "";
  };

  const show = (part, x, y) => {
    tip.textContent = told(part);
    tip.hidden = !tip.textContent;
    const { width, height } = tip.getBoundingClientRect();
    const left = x + 14 + width > document.documentElement.clientWidth ? x - 14 - width : x + 14;
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, y - height - 10)}px`;
  };
  const hide = () => {
    tip.hidden = true;
    document.querySelectorAll("svg .h.on").forEach((band) => band.classList.remove("on"));
  };

  const speaker = (target) => {
    for (let part = target; part instanceof SVGElement && part.tagName !== "svg"; part = part.parentNode) {
      if (part.dataset.told || part.querySelector(":scope > title")) return part;
    }
    return null;
  };
  document.addEventListener("pointermove", (event) => {
    const part = event.target instanceof Element && event.target.closest("svg") ? speaker(event.target) : null;
    if (part) show(part, event.clientX, event.clientY);
    else if (!document.activeElement?.matches("svg")) hide();
  });

  // The bands of a figure with curves, from left to right, of which one is marked.
  const bands = (svg) => [...svg.querySelectorAll(".h")];
  const marked = (svg) => bands(svg).findIndex((band) => band.classList.contains("on"));
  const mark = (svg, place) => {
    hide();
    const band = bands(svg)[place];
    band.classList.add("on");
    const box = band.getBoundingClientRect();
    show(band, box.left + box.width / 2, box.top + 24);
  };
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
  document.addEventListener("keydown", (event) => {
    const focused = document.activeElement;
    if (focused?.matches(".key") && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      toggle(focused);
    } else if (focused?.matches("svg") && event.key in steps && !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      const last = bands(focused).length - 1;
      const at = marked(focused);
      const next = at < 0 ? (event.key === "ArrowLeft" || event.key === "End" ? last : 0) : at + steps[event.key];
      mark(focused, Math.max(0, Math.min(last, next)));
    }
  });
  document.addEventListener("focusout", hide);

  const name = (key) => `${key.closest("figure")?.querySelector("h3")?.textContent}|${key.textContent}`;
  const apply = (key) => {
    const off = hidden.has(name(key));
    key.classList.toggle("off", off);
    key.setAttribute("aria-pressed", String(!off));
    const colour = key.dataset.colour;
    const curve = `path.c${colour}, circle.f${colour}`;
    for (const part of key.closest("svg").querySelectorAll(curve)) part.style.display = off ? "none" : "";
  };
  const toggle = (key) => {
    if (!hidden.delete(name(key))) hidden.add(name(key));
    apply(key);
  };
  document.addEventListener("click", (event) => {
    const key = event.target instanceof Element ? event.target.closest("svg .key") : null;
    if (key) toggle(key);
  });

  // To be called for what was put into the page: what the keyboard reaches, and which curves are hidden.
  const ready = (root) => {
    for (const svg of root.querySelectorAll("figure svg")) if (svg.querySelector(".h")) svg.tabIndex = 0;
    for (const key of root.querySelectorAll("svg .key")) {
      key.setAttribute("role", "button");
      key.setAttribute("tabindex", "0");
      apply(key);
    }
  };
  ready(document);
  return { ready, bands, marked, mark, hide };
})();
