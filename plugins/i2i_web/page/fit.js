// Brings a picture to what the sources of the model look like: lines as wide, as dark, as large as theirs.
import { connected, findInk } from "./ink.js";
import { boxOf, count, drawLine, dropSmall, grow, mask, segments, thin } from "./lines.js";
import { blur, brightness, quantile, slopes } from "./maps.js";

const LEAST = 640, TIMES = 3; // a drawing is looked at with so many pixels, or so many times those of the sources
const SAME_STROKE = 1.5; // factor by which lines may be wider than any of the sources
const SMALLEST = 4; // lines of fewer pixels are dropped once they are in the size of the sources

/** Returns the longer side at which a picture is looked at, pixels. */
export const lookedAt = ([height, width]) => Math.max(LEAST, TIMES * Math.max(height, width));

/** Returns how wide the lines of the sources are, pixels: a line's length is a ninth more than its pixels, in the mean. */
export const strokeOf = (look) => Math.max(Math.round(0.89 * look.stroke[1]), 1);

/**
 * Makes lines of any picture, (height, width) as the model's.
 *
 * A drawing is redrawn; of anything else the edges are drawn. Returns a mask, and which of both it was.
 */
export function linesOf(image, look, size) {
  const gray = brightness(image), { ink, unquiet } = findInk(gray);
  const thinned = thin(ink), box = boxOf(thinned);
  if (unquiet || !box || count(thinned) < 0.8 * Math.max(box.bottom - box.top, box.right - box.left)) {
    return { kind: "photograph", lines: edgesOf(gray, look, size) };
  }
  const place = placed(thinned, box, look, size);
  return { kind: "drawing", lines: look.filled ? moved(ink, place, size) : joined(thinned, place, look, size) };
}

/** Thins lines that were drawn wider than the sources have them, at the model's size. */
export function thinned(drawn, width, look) {
  if (look.filled || width <= look.stroke[2] * SAME_STROKE) return drawn;
  return penned(thin(drawn), look);
}

/** Draws the segments of thin lines elsewhere, as wide as the sources have them. */
function joined(lines, { scale, down, right }, look, [height, width]) {
  const drawn = mask(height, width), plot = plotter(drawn);
  const place = (x, y) => [Math.floor((x + 0.5) * scale + right), Math.floor((y + 0.5) * scale + down)];
  for (const [x, y, toX, toY] of segments(lines)) drawLine(plot, ...place(x, y), ...place(toX, toY));
  return penned(dropSmall(thin(drawn), SMALLEST), look);
}

/** Returns what was filled with ink, elsewhere. */
function moved(ink, { scale, down, right }, [height, width]) {
  const drawn = mask(height, width);
  drawn.on.forEach((_, at) => {
    const x = Math.floor(((at % width) + 0.5 - right) / scale), y = Math.floor((Math.floor(at / width) + 0.5 - down) / scale);
    if (x >= 0 && y >= 0 && x < ink.width && y < ink.height) drawn.on[at] = ink.on[y * ink.width + x];
  });
  return drawn;
}

const penned = (lines, look) => (strokeOf(look) > 1 ? grow(lines, strokeOf(look), true) : lines);

const plotter = ({ height, width, on }) => (x, y) => {
  if (x >= 0 && y >= 0 && x < width && y < height) on[y * width + x] = 1;
};

/**
 * Returns the scale, and where (0, 0) comes to.
 *
 * The largest centred part of the frame that has the sources' proportions is taken if all is in it, and fills it as any
 * source does; else the drawing alone, as large and where most sources are.
 */
function placed({ height: rows, width: columns }, { top, left, bottom, right }, look, [height, width]) {
  const whole = Math.max(height / rows, width / columns);
  const shift = [(height - rows * whole) / 2, (width - columns * whole) / 2];
  const low = [top * whole + shift[0], left * whole + shift[1]], high = [bottom * whole + shift[0], right * whole + shift[1]];
  const inside = Math.min(...low) >= 0 && high[0] <= height && high[1] <= width;
  const extent = Math.max((high[0] - low[0]) / height, (high[1] - low[1]) / width);
  if (inside && extent >= look.extent[0]) return { scale: whole, down: shift[0], right: shift[1] };
  const scale = look.extent[1] * Math.min(height / (bottom - top), width / (right - left));
  const start = (length, covered, centre) => Math.min(Math.max(centre * length - covered / 2, 0), length - covered);
  return {
    scale,
    down: start(height, (bottom - top) * scale, look.centre[0]) - top * scale,
    right: start(width, (right - left) * scale, look.centre[1]) - left * scale,
  };
}

const FINEST = 160; // smoothing, as a share of the longer side: finer edges are texture
const STRONG = 0.93, WEAK = 0.84; // quantiles of the slope from which on an edge begins, and goes on
const SHORTEST = 1 / 32; // edges that are shorter are dropped, of the longer side

/** Finds the edges of a photograph (Canny 1986), cut to the model's proportions and in its size. */
function edgesOf(gray, look, size) {
  const { height, width } = gray, longer = Math.max(height, width);
  const smooth = blur(gray, longer / FINEST), { across, down } = slopes(smooth);
  const slope = across.map((value, i) => Math.hypot(value, down[i]));
  const ridges = slope.map((value, i) => (isRidge(slope, i, width, across[i], down[i]) ? value : 0));
  const above = (limit) => Uint8Array.from(ridges, (value) => (value > Math.max(limit, 0.5) ? 1 : 0));
  const edges = connected(mask(height, width, above(quantile(slope, WEAK))), above(quantile(slope, STRONG)));
  const scale = Math.max(size[0] / height, size[1] / width);
  const place = { scale, down: (size[0] - height * scale) / 2, right: (size[1] - width * scale) / 2 };
  return joined(dropSmall(thin(edges), longer * SHORTEST), place, look, size);
}

/** Returns whether no neighbour across the edge is steeper. */
function isRidge(slope, i, width, across, down) {
  const length = Math.hypot(across, down) || 1;
  const step = Math.round(across / length) + width * Math.round(down / length);
  return slope[i] >= (slope[i - step] ?? 0) && slope[i] > (slope[i + step] ?? 0);
}
