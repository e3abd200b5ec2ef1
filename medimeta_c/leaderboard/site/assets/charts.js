"use strict";
// Charts: tooltips and keys on those drawn when the site was built, and new drawings of what a reader chooses.
const Charts = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const LEFT = 44, RIGHT = 470, TOP = 10, BOTTOM = 288, INSET = 14; // as in drawing/axes.py
  const MOST_TICKS = 7, MOST_LABELS = 24, MOST_WHISKERS = 60, LETTER = 5.6, LONGEST = 30;
  const STEPS = [1, 2, 5, 10];

  function element(tag, text, className) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function shape(tag, attributes, text) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  const round = (value) => Math.round(10 * value) / 10;
  const percent = (value) => value.toFixed(1);

  function axis(label, low, high, ticks, first, last, log) {
    const scale = log ? Math.log10 : Number;
    const at = (value) => round(first + ((last - first) * (scale(value) - scale(low))) / (scale(high) - scale(low)));
    return { label, ticks, at };
  }

  function linear(label, values, first, last) {
    const low = Math.min(...values), high = Math.max(...values), margin = 0.03 * (high - low) || 1;
    const span = high - low + 2 * margin, size = 10 ** Math.floor(Math.log10(span / MOST_TICKS));
    const step = size * STEPS.find((one) => span / (size * one) <= MOST_TICKS);
    const start = low >= 0 ? Math.max(0, Math.floor((low - margin) / step)) : Math.floor((low - margin) / step);
    const whole = high <= 100 ? Math.ceil(100 / step) : Infinity; // an accuracy ends at 100 %
    const stop = Math.min(whole, Math.ceil((high + margin) / step)), digits = Math.max(0, -Math.floor(Math.log10(step)));
    const ticks = Array.from({ length: stop - start + 1 }, (_, index) => [(start + index) * step, ((start + index) * step).toFixed(digits)]);
    return axis(label, start * step, stop * step, ticks, first, last, false);
  }

  function logarithmic(label, values, first, last) {
    let low = Math.min(...values) / 1.25, high = Math.max(...values) * 1.25;
    const marks = [];
    for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)) + 1; power++) {
      for (const step of STEPS.slice(0, 3)) marks.push(step * 10 ** power);
    }
    if (marks.filter((value) => low <= value && value <= high).length < 2) {
      [low, high] = [Math.max(...marks.filter((value) => value <= low)), Math.min(...marks.filter((value) => value >= high))];
    }
    let inside = marks.filter((value) => low <= value && value <= high);
    if (inside.length > MOST_TICKS) inside = inside.filter((value) => Number.isInteger(Math.log10(value)));
    return axis(label, low, high, inside.map((value) => [value, value.toLocaleString("en", { maximumSignificantDigits: 6 })]), first, last, true);
  }

  function axes(x, y) {
    const group = shape("g", { class: "axes" });
    group.append(
      shape("path", { class: "grid", d: y.ticks.map(([value]) => `M${LEFT} ${y.at(value)}H${RIGHT}`).join("") }),
      shape("path", { class: "base", d: `M${LEFT} ${BOTTOM}H${RIGHT}` }),
      ...x.ticks.map(([value, text]) => shape("text", { class: "tick", x: x.at(value), y: 303, "text-anchor": "middle" }, text)),
      ...y.ticks.map(([value, text]) => shape("text", { class: "tick", x: 38, y: y.at(value) + 4, "text-anchor": "end" }, text)),
      shape("text", { class: "name", x: 257, y: 324, "text-anchor": "middle" }, x.label),
      shape("text", { class: "name", x: 11, y: 149, "text-anchor": "middle", transform: "rotate(-90 11 149)" }, y.label),
    );
    return group;
  }

  // Points {key, group, name, x, y, xs, ys}; xs and ys are intervals, or null.
  function scatter(svg, points, labels, log) {
    points.sort((a, b) => a.x - b.x || a.y - b.y);
    const wide = points.length <= MOST_WHISKERS, ends = (value, interval) => (wide && interval ? interval : [value]);
    const x = (log ? logarithmic : linear)(labels[0], points.flatMap((one) => ends(one.x, one.xs)), LEFT, RIGHT);
    const y = linear(labels[1], points.flatMap((one) => ends(one.y, one.ys)), BOTTOM, TOP);
    const marks = shape("g", { class: "marks" });
    if (wide) {
      for (const one of points) {
        const across = one.xs ? `M${x.at(one.xs[0])} ${y.at(one.y)}H${x.at(one.xs[1])}` : "";
        const down = one.ys ? `M${x.at(one.x)} ${y.at(one.ys[0])}V${y.at(one.ys[1])}` : "";
        if (across || down) marks.append(shape("path", { class: `w g-${one.group}`, d: across + down }));
      }
    }
    for (const one of points) marks.append(shape("circle", { class: `m g-${one.group}`, "data-key": one.key, cx: x.at(one.x), cy: y.at(one.y), r: 4 }));
    if (points.length <= MOST_LABELS) marks.append(...names(points, x, y));
    svg.replaceChildren(axes(x, y), marks);
  }

  // Names beside points, each where no point and no other name is.
  function names(points, x, y) {
    const taken = points.map((one) => [x.at(one.x) - 5, y.at(one.y) - 5, x.at(one.x) + 5, y.at(one.y) + 5]), made = [];
    for (const one of points) {
      const name = one.name.length > LONGEST ? `${one.name.slice(0, LONGEST - 1)}…` : one.name, width = LETTER * name.length;
      for (const [right, down] of [[7, -6], [7, 12], [-7 - width, -6], [-7 - width, 12]]) {
        const left = x.at(one.x) + right, base = y.at(one.y) + down, box = [left, base - 9, left + width, base + 2];
        if (box[0] < LEFT || box[2] > RIGHT || taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
        taken.push(box);
        made.push(shape("text", { class: "label", x: round(left), y: round(base) }, name));
        break;
      }
    }
    return made;
  }

  // Rows {name, values}: accuracy in percent, clean first.
  function curves(svg, severities, rows) {
    const texts = ["clean", ...severities], last = texts.length - 1;
    const x = axis("Severity", 0, last, texts.map((text, index) => [index, text]), LEFT + INSET, RIGHT - INSET, false);
    const y = axis("Top-1 accuracy, %", 0, 100, [0, 20, 40, 60, 80, 100].map((value) => [value, value]), BOTTOM, TOP, false);
    const marks = shape("g", { class: "marks" }), half = (x.at(1) - x.at(0)) / 2;
    rows.forEach(({ values }, index) => {
      marks.append(shape("polyline", { class: `l s${index % 8}`, points: values.map((value, place) => `${x.at(place)},${y.at(value)}`).join(" ") }));
      values.forEach((value, place) => marks.append(shape("circle", { class: `p s${index % 8}`, cx: x.at(place), cy: y.at(value), r: 3 })));
    });
    texts.forEach((text, place) => {
      const sorted = [...rows].sort((a, b) => b.values[place] - a.values[place]);
      const tip = [place ? `Severity ${text}` : "Clean", ...sorted.map((row) => `${percent(row.values[place])}  ${row.name}`)].join("\n");
      marks.append(shape("rect", { class: "m", "data-tip": tip, x: x.at(place) - half, y: TOP, width: 2 * half, height: BOTTOM - TOP }));
    });
    svg.replaceChildren(axes(x, y), marks);
  }

  // Items {text, look} of lines, or {text, group} of points.
  function legend(place, items) {
    place.replaceChildren(...items.map(({ text, look, group }) => {
      const item = element("span"), key = shape("svg", { viewBox: group ? "0 0 12 12" : "0 0 30 12", "aria-hidden": "true" });
      key.append(group ? shape("circle", { class: `g-${group}`, cx: 6, cy: 6, r: 4 }) : shape("path", { class: `l s${look}`, d: "M0 6H30" }));
      item.append(key, text);
      return item;
    }));
  }

  // A tooltip is an element with text only; the same text is said aloud where keys move through the marks.
  function enliven(svg, write, open) {
    const place = svg.parentNode, said = document.getElementById("said");
    let tip = null, at = -1;
    const marks = () => [...svg.querySelectorAll(".m")];
    const lines = (mark) => (mark.dataset.tip ? mark.dataset.tip.split("\n") : write(mark));

    function hide() {
      for (const one of svg.querySelectorAll(".on")) one.classList.remove("on");
      if (tip) tip.hidden = true;
    }

    function show(mark) {
      hide();
      if (!tip) place.append((tip = element("div", "", "tip")));
      const [head, ...rest] = lines(mark);
      tip.replaceChildren(element("b", head), `\n${rest.join("\n")}`);
      tip.hidden = false;
      mark.classList.add("on");
      const box = place.getBoundingClientRect(), own = mark.getBoundingClientRect(), room = box.width - tip.offsetWidth;
      const right = own.right - box.left + 10, left = right > room ? own.left - box.left - 10 - tip.offsetWidth : right;
      tip.style.left = `${Math.max(0, Math.min(left, room))}px`;
      tip.style.top = `${Math.max(0, (own.top + own.bottom) / 2 - box.top - tip.offsetHeight / 2)}px`;
      return [head, ...rest].join(", ");
    }

    svg.addEventListener("pointerover", (event) => { if (event.target.closest(".m")) show(event.target.closest(".m")); });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", () => { at = -1; hide(); });
    svg.addEventListener("click", (event) => { if (open && event.target.closest(".m")) open(event.target.closest(".m")); });
    svg.addEventListener("keydown", (event) => {
      const all = marks(), step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step && all.length) {
        at = at < 0 ? (step > 0 ? 0 : all.length - 1) : (at + step + all.length) % all.length;
        said.textContent = show(all[at]);
      } else if (event.key === "Enter" && open && all[at]) open(all[at]);
      else if (event.key === "Escape") { at = -1; hide(); } else return;
      event.preventDefault();
    });
  }

  for (const svg of document.querySelectorAll(".chart > svg")) if (!document.getElementById("data")) enliven(svg);
  return { curves, element, enliven, legend, percent, scatter };
})();
