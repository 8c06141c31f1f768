// Maps of numbers: a Map is {height, width, values}, where `values` is a Float32Array, row by row.

export const map = (height, width, values) => ({ height, width, values });

/** Returns the brightness of an image's pixels, 0..255 (ITU-R BT.601), as a map. */
export function brightness({ height, width, data }) {
  const values = new Float32Array(height * width);
  for (let i = 0; i < values.length; i++) {
    const opaque = data[4 * i + 3] / 255; // what shows through is paper
    const luma = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
    values[i] = Math.round(luma * opaque + 255 * (1 - opaque));
  }
  return map(height, width, values);
}

/** Makes of each pixel what a function makes of a row of pixels around it, then of a column; rims are mirrored. */
function alongBoth(given, radius, make) {
  const { height, width } = given;
  const pass = (values, length, step, lines, stride) => {
    const made = new Float32Array(values.length), row = new Float32Array(length + 2 * radius), out = new Float32Array(length);
    for (let line = 0; line < lines; line++) {
      for (let i = -radius; i < length + radius; i++) row[i + radius] = values[line * stride + mirrored(i, length) * step];
      make(row, out);
      for (let i = 0; i < length; i++) made[line * stride + i * step] = out[i];
    }
    return made;
  };
  return map(height, width, pass(pass(given.values, width, 1, height, width), height, width, width, 1));
}

function mirrored(i, length) {
  if (length === 1) return 0;
  const period = 2 * length - 2, place = ((i % period) + period) % period;
  return place < length ? place : period - place;
}

/** Smooths with a Gaussian of that many pixels. */
export function blur(given, sigma) {
  const radius = Math.ceil(3 * sigma);
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const sum = kernel.reduce((a, b) => a + b);
  return alongBoth(given, radius, (row, out) => {
    for (let i = 0; i < out.length; i++) {
      let total = 0;
      for (let k = 0; k < kernel.length; k++) total += kernel[k] * row[i + k];
      out[i] = total / sum;
    }
  });
}

/** Closes (dilates, then erodes) with a square: dark things that are narrower are gone. */
export function close(given, side) {
  const radius = side >> 1;
  return alongBoth(alongBoth(given, radius, running(1, radius)), radius, running(-1, radius));
}

/** Returns what finds the largest (sign 1) or smallest (-1) value within a radius, in linear time (van Herk 1992). */
function running(sign, radius) {
  const length = 2 * radius + 1;
  return (row, out) => {
    const ahead = row.map((value) => sign * value), behind = ahead.slice();
    for (let i = 1; i < row.length; i++) if (i % length) ahead[i] = Math.max(ahead[i], ahead[i - 1]);
    for (let i = row.length - 2; i >= 0; i--) if ((i + 1) % length) behind[i] = Math.max(behind[i], behind[i + 1]);
    for (let i = 0; i < out.length; i++) out[i] = sign * Math.max(behind[i], ahead[i + length - 1]);
  };
}

/** Returns the change of a map per pixel, to the right and down (Sobel's filter). */
export function slopes({ height, width, values }) {
  const across = new Float32Array(values.length), down = new Float32Array(values.length);
  const at = (x, y) => values[mirrored(y, height) * width + mirrored(x, width)];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const side = (dx) => at(x + dx, y - 1) + 2 * at(x + dx, y) + at(x + dx, y + 1);
    const level = (dy) => at(x - 1, y + dy) + 2 * at(x, y + dy) + at(x + 1, y + dy);
    across[y * width + x] = (side(1) - side(-1)) / 8;
    down[y * width + x] = (level(1) - level(-1)) / 8;
  }
  return { across, down };
}

/** Returns the value below which a share of all values lies. */
export function quantile(values, share) {
  const sorted = Float32Array.from(values).sort();
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : 0;
}
