// What is ink in a picture of a drawing: one of a paint program, a scan, or a photograph in uneven light.
import { components, count, dropSmall, grow, mask } from "./lines.js";
import { blur, close, map, quantile, slopes } from "./maps.js";

const LEVEL = 8; // brightness by which paper of one level differs from it at most
const UNIFORM = 1 / 3; // share of the picture from which on paper is of one level
const FAINTEST = 0.35; // weakest ink on such paper, of the strongest
const DARKEST = 8; // added to brightness, so that its logarithm does not tell shades of black apart
const LONGEST_RIM = 0.1; // ink along the rim over more than this share of the longer side is a desk

/**
 * Finds what is drawn, as `i2i_prepare.ink` does.
 *
 * Paper of one level differs from ink by a threshold. On other paper ink is what is darker than the paper around it, so
 * that edges of a page and of shadows are none.
 * Returns the mask, whether it is darker than the paper, and whether the paper is too unquiet to be any.
 */
export function findInk(gray) {
  const { level, share } = paperOf(gray.values);
  const found = share >= UNIFORM ? onEvenPaper(gray, level) : onUnevenPaper(gray);
  const { kept, rim } = withoutRims(found.on);
  const ink = dropSmall(kept, Math.max(4, Math.round((Math.max(gray.height, gray.width) / 200) ** 2)));
  return { ink, dark: found.dark, unquiet: isUnquiet(gray, found, ink, rim) };
}

/** Returns the most common level, and the share of pixels that are about as bright. */
function paperOf(values) {
  const counts = new Float64Array(256);
  for (const value of values) counts[value]++;
  const around = (level) => counts.slice(Math.max(level - LEVEL, 0), level + LEVEL + 1).reduce((a, b) => a + b);
  const sums = Array.from(counts, (_, level) => around(level)), most = sums.indexOf(Math.max(...sums));
  const near = counts.map((value, level) => (Math.abs(level - most) <= LEVEL ? value : -1));
  return { level: near.indexOf(Math.max(...near)), share: sums[most] / values.length };
}

function onEvenPaper({ height, width, values }, level) {
  const apart = values.map((value) => level - value), size = apart.map(Math.abs);
  const typical = quantile(size, 0.999), most = typical > LEVEL ? typical : size.reduce((a, b) => Math.max(a, b), 0);
  const threshold = Math.max(FAINTEST * most, LEVEL);
  const dark = apart.reduce((sum, value) => sum + (Math.abs(value) > threshold ? value : 0), 0) >= 0;
  const strength = dark ? apart : apart.map((value) => -value);
  return { dark, strength, on: mask(height, width, Uint8Array.from(strength, (value) => (value > threshold ? 1 : 0))) };
}

function onUnevenPaper(gray) {
  const { height, width } = gray, inverse = map(height, width, gray.values.map((value) => 255 - value));
  const [dark, light] = [gray, inverse].map(standingOut);
  const isDark = spreadAbove(dark) >= spreadAbove(light);
  const strength = isDark ? dark : light;
  return { dark: isDark, strength, on: hysteresis(height, width, strength) };
}

/** Returns by how much each pixel is darker than the paper within a twelfth of the picture, beyond most: a logarithm. */
function standingOut(gray) {
  const side = Math.max(Math.floor(Math.max(gray.height, gray.width) / 12), 3) | 1, smooth = blur(gray, 0.7);
  const paper = close(smooth, side);
  const strength = smooth.values.map((value, i) => Math.log((paper.values[i] + DARKEST) / (value + DARKEST)));
  const usual = quantile(strength, 0.5);
  return strength.map((value) => value - usual);
}

const spreadAbove = (strength) => {
  const far = Math.max(6 * grainOf(strength), 0.05);
  return strength.reduce((sum, value) => sum + (value > far ? 1 : 0), 0);
};

/** Returns the standard deviation of most values: 1.4826 times the median distance from their median. */
function grainOf(values) {
  const middle = quantile(values, 0.5);
  return Math.max(1.4826 * quantile(values.map((value) => Math.abs(value - middle)), 0.5), 0.004);
}

/** A line goes on while it stands out from the grain of the paper, if some of it stands out by far (Canny 1986). */
function hysteresis(height, width, strength) {
  const grain = grainOf(strength), above = (limit) => Uint8Array.from(strength, (value) => (value > limit ? 1 : 0));
  const clear = withoutRims(mask(height, width, above(6 * grain))).kept.on;
  const top = quantile(strength.filter((_, i) => clear[i]), 0.9);
  return connected(mask(height, width, above(Math.max(4 * grain, 0.3 * top))), above(Math.max(8 * grain, 0.5 * top)));
}

/** Keeps the components of a mask that have some pixel that is strong. */
export function connected(weak, strong) {
  const { labels, sizes } = components(weak), keep = new Uint8Array(sizes.length);
  labels.forEach((label, i) => { if (label && strong[i]) keep[label] = 1; });
  return mask(weak.height, weak.width, Uint8Array.from(labels, (label) => keep[label]));
}

/** Divides ink into what is drawn, and what lies along the rim of the picture. */
function withoutRims(given) {
  const { height, width, on } = given, { labels, sizes } = components(given), touching = new Uint32Array(sizes.length);
  labels.forEach((label, at) => {
    const x = at % width, y = (at - x) / width;
    if (label && (x === 0 || y === 0 || x === width - 1 || y === height - 1)) touching[label]++;
  });
  const longest = LONGEST_RIM * Math.max(height, width);
  const rim = mask(height, width, Uint8Array.from(labels, (label) => (touching[label] > longest ? 1 : 0)));
  return { kept: mask(height, width, on.map((value, i) => value & ~rim.on[i])), rim };
}

const UNQUIET = 0.08; // share of the paper from which on it is none: limits as in `i2i_prepare.drawing`

/** Returns whether paper away from ink differs from it, or changes from pixel to pixel: then it is a photograph. */
function isUnquiet({ height, width, values }, { dark, strength }, ink, rim) {
  const near = grow(ink, 7), edge = grow(rim, 9);
  const typical = count(ink) ? quantile(strength.filter((_, i) => ink.on[i]), 0.5) : Infinity;
  const logarithm = blur(map(height, width, values.map((value) => (dark ? value : 255 - value))), 1).values
    .map((value) => Math.log(value + DARKEST));
  const { across, down } = slopes(map(height, width, logarithm));
  let away = 0, rest = 0, steps = 0;
  for (let i = 0; i < values.length; i++) {
    if (near.on[i] || edge.on[i]) continue;
    away++;
    if (Math.abs(strength[i]) > typical / 4) rest++;
    if (Math.hypot(across[i], down[i]) > 0.04) steps++;
  }
  return away > 0 && Math.max(rest, steps) > UNQUIET * away;
}
