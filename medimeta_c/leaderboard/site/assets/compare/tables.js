// Elements and cells of the page that compares two models. All text goes in as text.

export function element(name, values = {}, ...children) {
  const made = Object.assign(document.createElement(name), values);
  made.append(...children);
  return made;
}

// A fraction in points; zero has no sign, and 6.25 is 6.2 as on the other pages, which Python writes.
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false, roundingMode: "halfEven" });
export const plain = (value) => tenths.format(Number((100 * value).toFixed(9))).replace(/^-(?=0\.0$)/, "").replace("-", "−");
export const signed = (value) => (value > 0 && plain(value) !== "0.0" ? `+${plain(value)}` : plain(value));

// A model's own number, in percent.
export const points = (number) => (number.reason ? { text: "–", title: number.reason } : { text: plain(number.values[0]), values: { value: number.values[0] } });

// A difference with its interval; shaded by its size, unless it is a tie.
export function rangeOf(one, shaded = false) {
  if (one.reason) return { text: "–", title: one.reason };
  const small = one.without ? ["no interval"] : [`${plain(one.low)} to ${plain(one.high)}`, ...(one.tie ? ["tie"] : [])];
  return { text: signed(one.value), small, title: one.without, tie: one.tie, share: shaded && one.tie === false ? one.value : undefined, values: { value: one.value, low: one.low, high: one.high } };
}

function cellOf(one) {
  const cell = element("td", {}, one.text, ...(one.small ?? []).map((text) => element("small", { className: text === "tie" ? "tie" : "" }, text)));
  if (one.title) cell.title = one.title;
  if (one.span) cell.colSpan = one.span;
  for (const [name, value] of Object.entries(one.values ?? {})) if (value !== undefined) cell.dataset[name] = value;
  if (one.tie !== undefined) cell.dataset.tie = one.tie;
  if (one.share !== undefined) {
    cell.className = one.share > 0 ? "over" : "under";
    cell.style.setProperty("--share", `${(12 + 88 * Math.min(1, Math.abs(one.share) / 0.4)).toFixed(0)}%`);
  }
  return cell;
}

// A table in a frame that scrolls by itself where it is wider than the screen.
export function table(className, heads, rows, label) {
  const head = heads.map((text, i) => (text || i ? element("th", { scope: "col", className: i ? "" : "text" }, text) : element("td")));
  const body = rows.map(([name, ...cells]) => element("tr", {}, element("th", { scope: "row", className: "text" }, name), ...cells.map(cellOf)));
  const made = element("table", { className }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
  const frame = element("div", { className: "scroll", tabIndex: 0 }, made);
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", label ?? heads.slice(-1)[0]);
  return frame;
}
