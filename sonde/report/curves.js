// What figures of several runs have besides charts.js, which reads values off them: a legend for all of a page, which hides curves,
// and zooming into a figure by dragging over a part of it, without a server that would draw it in more detail (watch.js asks one).
// The figures are those of figures.curves(legend=False): an inner svg.plot that tells its scales.
for (const legend of document.querySelectorAll(".legend")) {
  const inside = legend.closest(".family");
  for (const button of legend.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      for (const curve of inside.querySelectorAll("[data-key]")) {
        if (curve.dataset.key === button.value) curve.style.display = shown ? "" : "none";
      }
    });
  }
}

const SVG = "http://www.w3.org/2000/svg";
for (const plot of document.querySelectorAll("svg.plot")) {
  const figure = plot.ownerSVGElement;
  const [left, top, width, height] = plot.getAttribute("viewBox").split(" ").map(Number);
  const scale = (text) => {
    const [low, high, start, end] = text.split(" ").map(Number);
    const log = text.endsWith("log");
    const at = (place) => {
      const part = (place - start) / (end - start);
      return log ? low * (high / low) ** part : low + part * (high - low);
    };
    const place = (value) => start + (end - start) * (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
    return { at, place, log };
  };
  const [across, up] = [scale(plot.dataset.across), scale(plot.dataset.up)];
  const paths = [...plot.querySelectorAll("path")].map((path) => ({ path, drawn: path.getAttribute("d"), points: [...path.getAttribute("d").matchAll(/([ML])([-\d.]+) ([-\d.]+)/g)].map((m) => [m[1], +m[2], +m[3]]) }));
  const dots = [...plot.querySelectorAll("circle")].map((dot) => [dot, +dot.getAttribute("cx"), +dot.getAttribute("cy")]);
  const bands = [...plot.querySelectorAll("rect.h")].map((band) => [band, +band.getAttribute("x"), +band.getAttribute("width")]);
  const axes = [...figure.querySelectorAll(":scope > .gl, :scope > .tk, :scope > .tick")];
  const whole = [left, left + width];
  let shown = whole;

  const round = (low, high, log, about) => {
    if (log && high / low > 3) {
      const found = [];
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
        for (const factor of high / low > 100 ? [1] : [1, 2, 5]) found.push(factor * 10 ** power);
      }
      return found.filter((value) => value >= low && value <= high);
    }
    const raw = (high - low) / about;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= raw * 0.75);
    const found = [];
    for (let n = Math.ceil(low / step); n * step <= high; n++) found.push(n * step);
    return found;
  };
  const texts = (values) => {
    const step = Math.min(1, ...values.slice(1).map((value, n) => Math.abs(value - values[n])));
    const digits = Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
    return values.map((value) => (Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-4) ? value.toExponential(1) : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })));
  };
  const add = (name, attributes, content = "") => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = content;
    element.dataset.renewed = "";
    figure.insertBefore(element, figure.firstChild);
  };

  // Where a piece of a curve is between two places: at its two ends, or where it crosses the edge.
  const heights = ([, x0, y0], [pen, x1, y1], low, high) => {
    if (pen === "M") return x1 >= low && x1 <= high ? [y1] : [];
    const [begin, finish] = [Math.max(low, x0), Math.min(high, x1)];
    if (begin > finish) return [];
    return [begin, finish].map((x) => (x1 > x0 ? y0 + ((y1 - y0) * (x - x0)) / (x1 - x0) : y1));
  };

  const show = (low, high) => {
    shown = [low, high];
    const all = low <= whole[0] && high >= whole[1];
    figure.querySelectorAll("[data-renewed]").forEach((element) => element.remove());
    const seen = paths.filter(({ path }) => path.closest("[data-key]")?.style.display !== "none").flatMap(({ points }) => points.flatMap((point, n) => heights(points[n - 1] ?? point, point, low, high)));
    let [first, last] = seen.length && !all ? [Math.min(...seen), Math.max(...seen)] : [top, top + height];
    if (!all) {
      const air = Math.max(4, 0.05 * (last - first));
      [first, last] = [Math.max(top, first - air), Math.min(top + height, last + air)];
    }
    const x = (place) => left + ((place - low) / (high - low)) * width;
    const y = (place) => top + ((place - first) / (last - first)) * height;
    for (const { path, points, drawn } of paths) path.setAttribute("d", all ? drawn : points.map(([pen, px, py]) => `${pen}${x(px).toFixed(1)} ${y(py).toFixed(1)}`).join(""));
    for (const [dot, cx, cy] of dots) (dot.setAttribute("cx", x(cx)), dot.setAttribute("cy", y(cy)));
    for (const [band, begin, wide] of bands) (band.setAttribute("x", x(begin)), band.setAttribute("width", x(begin + wide) - x(begin)));
    axes.forEach((element) => (element.style.display = all ? "" : "none"));
    if (all) return;
    const [level, upright] = [round(across.at(low), across.at(high), across.log, 6), round(up.at(last), up.at(first), up.log, 5)];
    const [below, beside] = [texts(level), texts(upright)];
    for (const [n, value] of level.entries()) {
      const place = x(across.place(value));
      add("text", { class: "tk", x: place, y: top + height + 17, "text-anchor": "middle" }, below[n]);
      add("path", { class: "tick", d: `M${place} ${top + height}v4` });
    }
    for (const [n, value] of upright.entries()) {
      const place = y(up.place(value));
      add("text", { class: "tk", x: left - 7, y: place + 4, "text-anchor": "end" }, beside[n]);
      add("path", { class: "gl", d: `M${left} ${place}H${left + width}` });
    }
  };

  const inside = (event) => {
    const box = figure.getBoundingClientRect();
    return Math.min(left + width, Math.max(left, ((event.clientX - box.left) / box.width) * figure.viewBox.baseVal.width));
  };
  const here = (place) => shown[0] + ((place - left) / width) * (shown[1] - shown[0]);
  const mark = document.createElementNS(SVG, "rect");
  mark.setAttribute("class", "part");
  let began = null;
  figure.classList.add("zooms");
  figure.setAttribute("tabindex", "0");
  plot.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    began = inside(event);
    plot.setPointerCapture(event.pointerId);
    for (const [name, value] of Object.entries({ x: began, y: top, width: 0, height })) mark.setAttribute(name, value);
    plot.append(mark);
    event.preventDefault();
    figure.focus({ preventScroll: true });
  });
  plot.addEventListener("pointermove", (event) => {
    if (began === null) return;
    const now = inside(event);
    mark.setAttribute("x", Math.min(began, now));
    mark.setAttribute("width", Math.abs(now - began));
  });
  const end = (event) => {
    if (began === null) return;
    const [low, high] = [began, inside(event)].sort((a, b) => a - b);
    began = null;
    mark.remove();
    if (event.type === "pointerup" && high - low > 6) show(here(low), here(high));
  };
  plot.addEventListener("pointerup", end);
  plot.addEventListener("pointercancel", end);
  figure.addEventListener("dblclick", () => show(...whole));
  figure.addEventListener("keydown", (event) => {
    const [low, high] = shown;
    const span = high - low;
    const middle = (low + high) / 2;
    const parts = { "+": [middle - span / 4, middle + span / 4], "-": [middle - span, middle + span], 0: whole };
    if (event.shiftKey) Object.assign(parts, { ArrowLeft: [low - span / 4, high - span / 4], ArrowRight: [low + span / 4, high + span / 4] });
    const wanted = parts[event.key];
    if (!wanted || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const wide = Math.min(width, wanted[1] - wanted[0]);
    const start = Math.min(Math.max(left, wanted[0]), left + width - wide);
    show(start, start + wide);
  });
}
