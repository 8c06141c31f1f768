// Masks of lines: a Mask is {height, width, on}, where `on` is a Uint8Array of 0 and 1, row by row.

export const mask = (height, width, on = new Uint8Array(height * width)) => ({ height, width, on });

export const count = ({ on }) => on.reduce((sum, value) => sum + value, 0);

/** Draws a line one pixel wide between two pixels (Bresenham 1965); what lies outside is left out. */
export function drawLine(plot, x, y, toX, toY) {
  const right = Math.abs(toX - x), down = -Math.abs(toY - y), stepX = Math.sign(toX - x), stepY = Math.sign(toY - y);
  for (let error = right + down; ;) {
    plot(x, y);
    if (x === toX && y === toY) return;
    const twice = 2 * error;
    if (twice >= down) { error += down; x += stepX; }
    if (twice <= right) { error += right; y += stepY; }
  }
}

// the eight neighbours: east first, then counter-clockwise, a bit for each
const NEIGHBOURS = [[1, 0], [1, -1], [0, -1], [-1, -1], [-1, 0], [-1, 1], [0, 1], [1, 1]];
const DELETABLE = [deletable(0), deletable(1)];

/** Returns which neighbourhoods, out of all 256, lose their centre in a phase. */
function deletable(phase) {
  return Uint8Array.from({ length: 256 }, (_, code) => {
    const x = (i) => (code >> ((i + 8) % 8)) & 1;
    const pairs = [0, 2, 4, 6], sum = (each) => pairs.reduce((total, i) => total + each(i), 0);
    const crossings = sum((i) => (!x(i) && (x(i + 1) || x(i + 2)) ? 1 : 0));
    const around = Math.min(sum((i) => x(i) | x(i + 1)), sum((i) => x(i - 1) | x(i)));
    // the first phase deletes from the north and east, the second, turned by 180 degrees, from the south and west
    const [east, northEast, north, southEast] = [0, 1, 2, 7].map((i) => x(i + 4 * phase));
    const held = east && (northEast || north || !southEast);
    return crossings === 1 && around >= 2 && around <= 3 && !held ? 1 : 0;
  });
}

/** Thins lines to one pixel, connected as they were (Guo & Hall 1989, algorithm A1, as in Lam, Lee & Suen 1992, p. 879). */
export function thin({ height, width, on }) {
  const wide = width + 2, lines = new Uint8Array((height + 2) * wide); // with a rim of paper
  const offsets = NEIGHBOURS.map(([x, y]) => y * wide + x);
  let inked = [];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    if (on[y * width + x]) { lines[(y + 1) * wide + x + 1] = 1; inked.push((y + 1) * wide + x + 1); }
  }
  for (let before = -1; before !== inked.length;) {
    before = inked.length;
    for (const table of DELETABLE) {
      const gone = inked.filter((at) => table[offsets.reduce((code, offset, i) => code | (lines[at + offset] << i), 0)]);
      for (const at of gone) lines[at] = 0;
      inked = inked.filter((at) => lines[at]);
    }
  }
  const thinned = mask(height, width);
  for (const at of inked) thinned.on[(Math.floor(at / wide) - 1) * width + (at % wide) - 1] = 1;
  return thinned;
}

/** Returns for each pixel the number of its 8-connected component, from 1 on, and how many pixels each has. */
export function components({ height, width, on }) {
  const labels = new Int32Array(height * width), sizes = [0], stack = [];
  for (let start = 0; start < on.length; start++) {
    if (!on[start] || labels[start]) continue;
    const label = sizes.push(0) - 1;
    labels[start] = label;
    stack.push(start);
    while (stack.length) {
      const at = stack.pop(), x = at % width, y = (at - x) / width;
      sizes[label]++;
      for (const [right, down] of NEIGHBOURS) {
        const [toX, toY] = [x + right, y + down], to = toY * width + toX;
        if (toX < 0 || toY < 0 || toX >= width || toY >= height || !on[to] || labels[to]) continue;
        labels[to] = label;
        stack.push(to);
      }
    }
  }
  return { labels, sizes };
}

/** Drops the components that have fewer pixels than that. */
export function dropSmall(given, smallest) {
  const { labels, sizes } = components(given);
  return mask(given.height, given.width, given.on.map((_, at) => (sizes[labels[at]] >= smallest ? 1 : 0)));
}

/** Grows what is on by half of the side of a square, without its corners from a side of 3 on, as a round pen has none. */
export function grow({ height, width, on }, side, round = false) {
  const grown = mask(height, width), low = -Math.floor(side / 2), pen = [];
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
    if (!round || Math.hypot(x - (side - 1) / 2, y - (side - 1) / 2) <= side / 2) pen.push([x + low, y + low]);
  }
  on.forEach((value, at) => {
    if (!value) return;
    const x = at % width, y = (at - x) / width;
    for (const [right, down] of pen) {
      if (x + right >= 0 && y + down >= 0 && x + right < width && y + down < height) grown.on[(y + down) * width + x + right] = 1;
    }
  });
  return grown;
}

/** Yields a segment [x, y, x, y] for every two neighbouring pixels of thin lines, and for a pixel that has none. */
export function* segments({ height, width, on }) {
  const is = (x, y) => x >= 0 && y >= 0 && x < width && y < height && on[y * width + x] === 1;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    if (!is(x, y)) continue;
    if (is(x + 1, y)) yield [x, y, x + 1, y];
    if (is(x, y + 1)) yield [x, y, x, y + 1];
    // a diagonal step is left out where two straight ones lead to the same pixel
    if (is(x + 1, y + 1) && !is(x + 1, y) && !is(x, y + 1)) yield [x, y, x + 1, y + 1];
    if (is(x - 1, y + 1) && !is(x - 1, y) && !is(x, y + 1)) yield [x, y, x - 1, y + 1];
    if (!NEIGHBOURS.some(([right, down]) => is(x + right, y + down))) yield [x, y, x, y];
  }
}

/** Returns top, left, bottom and right of what is on; null where nothing is. */
export function boxOf({ height, width, on }) {
  let [top, left, bottom, right] = [height, width, 0, 0];
  on.forEach((value, at) => {
    if (!value) return;
    const x = at % width, y = (at - x) / width;
    [top, left, bottom, right] = [Math.min(top, y), Math.min(left, x), Math.max(bottom, y + 1), Math.max(right, x + 1)];
  });
  return bottom ? { top, left, bottom, right } : null;
}
