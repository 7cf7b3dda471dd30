"use strict";
/* Line charts as SVG, with a readout that follows the pointer and the arrow keys. */

const SVG = "http://www.w3.org/2000/svg";
/* In pixels, so that its letters are not smaller than others on a narrow screen. */
const SIZE = {
  width: Math.min(560, document.documentElement.clientWidth - 32),
  height: 250, left: 52, right: 18, top: 12, bottom: 30,
};

/* An HTML element: element("p", {class: "note"}, "text", another, ...). Text stays text. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/* A number for people: 12,345; 0.0003; 12.3. */
function figure(value, digits) {
  if (value === null || value === undefined) return "not finite";
  if (digits !== undefined) {
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

/* Round values, about `count` of them, from 0 to `high` or beyond. */
function ticks(high, count) {
  const rough = high / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  return Array.from({ length: Math.ceil(high / step - 1e-9) + 1 }, (_, index) => index * step);
}

/* One chart; figures are not below 0. series: [{name, x: [...], y: [... or null], digits, tone: 1 or 2}];
   last: the step at the right end; best: the marked one. */
function chart({ title, unit, series, last, best }) {
  const shown = series.filter(({ y }) => y.some((value) => value !== null));
  const box = element("figure", { class: "chart" });
  const caption = element("figcaption", {}, element("b", {}, title), ` ${unit}`);
  box.append(caption);
  if (!shown.length) {
    box.append(element("p", { class: "missing" }, "Nothing was recorded yet."));
    return box;
  }
  const values = shown.flatMap(({ y }) => y.filter((value) => value !== null));
  const steps = shown.flatMap(({ x }) => x);
  const down = ticks(Math.max(...values), 4);
  const across = ticks(last, SIZE.width / 110).filter((step) => step <= last);
  const right = SIZE.width - SIZE.right;
  const bottom = SIZE.height - SIZE.bottom;
  const placeX = (x) => SIZE.left + (x / (last || 1)) * (right - SIZE.left);
  const placeY = (y) => bottom - (y / (down.at(-1) || 1)) * (bottom - SIZE.top);

  const picture = drawn("svg", {
    viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", tabindex: 0,
    "aria-label": `${title}: ${shown.map(({ name, y, digits }) => `${name} ends at ${figure(y.at(-1), digits)}`).join("; ")}`,
  });
  for (const y of down) {
    picture.append(
      drawn("line", { class: "grid", x1: SIZE.left, x2: right, y1: placeY(y), y2: placeY(y) }),
      drawn("text", { class: "tick", x: SIZE.left - 8, y: placeY(y) + 4, "text-anchor": "end" }, figure(y)));
  }
  for (const x of across) {
    picture.append(drawn("text", { class: "tick", x: placeX(x), y: bottom + 20, "text-anchor": "middle" }, figure(x)));
  }
  if (best !== null && best !== undefined) {
    picture.append(drawn("line", { class: "best", x1: placeX(best), x2: placeX(best), y1: SIZE.top, y2: bottom }));
  }
  const cursor = drawn("line", { class: "cursor", y1: SIZE.top, y2: bottom, visibility: "hidden" });
  picture.append(cursor);
  const dots = shown.map(({ x, y, tone }) => {
    let pen = "M";
    const path = y.map((value, index) => {
      const point = value === null ? "" : `${pen}${placeX(x[index]).toFixed(1)},${placeY(value).toFixed(1)}`;
      pen = value === null ? "M" : "L";
      return point;
    }).join("");
    picture.append(drawn("path", { class: `line tone${tone}`, d: path }));
    if (x.length < 40) {
      y.forEach((value, index) => value !== null
        && picture.append(drawn("circle", { class: `dot tone${tone}`, r: 2.5, cx: placeX(x[index]), cy: placeY(value) })));
    }
    const dot = drawn("circle", { class: `dot tone${tone}`, r: 5, visibility: "hidden" });
    picture.append(dot);
    return dot;
  });

  const legend = element("p", { class: "legend" });
  const readouts = shown.map(({ name, tone }) => {
    const value = element("output");
    legend.append(element("span", { class: `key tone${tone}` }, `${name} `, value));
    return value;
  });
  const place = element("output", { class: "place" });
  legend.append(place);

  const all = [...new Set(steps)].sort((a, b) => a - b);
  let current = null;
  function follow(step) {
    current = step;
    const at = step ?? best ?? all.at(-1);
    shown.forEach(({ x, y, digits }, index) => {
      const near = x.reduce((found, value, i) => (Math.abs(value - at) < Math.abs(x[found] - at) ? i : found), 0);
      readouts[index].textContent = figure(y[near], digits);
      const hidden = step === null || y[near] === null;
      dots[index].setAttribute("visibility", hidden ? "hidden" : "visible");
      if (!hidden) {
        dots[index].setAttribute("cx", placeX(x[near]));
        dots[index].setAttribute("cy", placeY(y[near]));
      }
    });
    place.textContent = `step ${figure(at)}${at === best ? ", the best" : ""}`;
    cursor.setAttribute("visibility", step === null ? "hidden" : "visible");
    cursor.setAttribute("x1", placeX(at));
    cursor.setAttribute("x2", placeX(at));
  }
  /* Of a long curve not every step is drawn. */
  const nearest = (step) =>
    all.reduce((found, value) => (Math.abs(value - step) < Math.abs(found - step) ? value : found));
  picture.addEventListener("pointermove", (event) => {
    const frame = picture.getBoundingClientRect();
    const share = ((event.clientX - frame.left) / frame.width * SIZE.width - SIZE.left) / (right - SIZE.left);
    const step = share * last;
    follow(nearest(step));
  });
  picture.addEventListener("pointerleave", () => follow(null));
  picture.addEventListener("blur", () => follow(null));
  picture.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const index = all.indexOf(nearest(current ?? best ?? all.at(-1))) + (current === null ? 0 : move);
    follow(all[Math.max(0, Math.min(all.length - 1, index))]);
  });
  follow(null);
  box.append(picture, legend);
  return box;
}
