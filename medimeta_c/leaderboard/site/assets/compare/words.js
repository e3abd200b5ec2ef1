// What may be said of two models: each sentence is bound to the numbers that allow it.
import { plain } from "./tables.js";

const within = (one, turned) => {
  if (one.without) return `(${one.without})`;
  const [low, high] = turned ? [0 - one.high, 0 - one.low] : [one.low, one.high];
  return `(95 % interval ${plain(low)} to ${plain(high)})`;
};
const size = (one) => `${plain(Math.abs(one.value))} points`;
// An interval in the direction of the size; that of a tie as the tables have it, A − B.
const amount = (one) => `${size(one)} ${within(one, one.value < 0)}`;

// Sentences on A and B: accuracy under corruption, and what corruption takes, which only a model that knows something
// can lose. `knows` says of each whether its clean accuracy lies above chance.
export function verdict(differences, knows) {
  return [accuracy(differences.get("average")), loss(differences.get("lost"), differences.get("clean"), knows)].filter(Boolean).join(" ") || "The numbers over all datasets are undefined.";
}

function accuracy(one) {
  if (one.reason) return "";
  if (one.tie === null) return `Under corruption the accuracies of A and B differ by ${size(one)} ${within(one)}.`;
  if (one.tie) return `Under corruption the images cannot tell the accuracies of A and B apart: A − B is ${plain(one.value)} points ${within(one)}.`;
  const [higher, lower] = one.value > 0 ? ["A", "B"] : ["B", "A"];
  return `Under corruption ${higher} is more accurate than ${lower}, by ${amount(one)}.`;
}

function loss(lost, clean, knows) {
  const idle = ["A", "B"].filter((_, model) => !knows[model]);
  if (idle.length) return `${idle.join(" and ")} ${idle.length > 1 ? "are" : "is"} at chance on clean images, and what knows nothing has nothing to lose.`;
  if (lost.reason) return "";
  if (lost.tie === null) return `What they lose to corruption differs by ${size(lost)} ${within(lost)}.`;
  if (lost.tie) return `What they lose to corruption cannot be told apart: A − B is ${plain(lost.value)} points ${within(lost)}.`;
  const [steady, other] = lost.value < 0 ? ["A", "B"] : ["B", "A"], knowsLess = clean.tie === false && clean.value < 0 === (steady === "A");
  const but = knowsLess ? `, but starts lower: on clean images it is less accurate, by ${amount(clean)}` : "";
  return `${steady} loses less to corruption than ${other}, by ${amount(lost)}${but}.`;
}
