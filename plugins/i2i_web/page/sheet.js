// What is drawn: strokes on a base, kept as such, so that they are smooth to look at and exact for the model.
import { thinned } from "./fit.js";
import { drawLine, grow, mask, segments } from "./lines.js";

const MOST_UNDONE = 200;

/** A stroke: {erases, width, colour, points}, in pixels of the model; a base: {pixels, picture or lines}. */
export class Sheet {
  #states = [{ base: null, strokes: [] }];
  #now = 0;
  #drawn = null;

  /** `size` is height and width; of a `look` (or null) are the lines and the paper. */
  constructor(size, channels, look) {
    Object.assign(this, { height: size[0], width: size[1], channels, look });
    this.paper = look && !look.dark ? [0, 0, 0] : [255, 255, 255];
    this.ink = look && !look.dark ? [255, 255, 255] : [0, 0, 0];
  }

  get #state() { return this.#states[this.#now]; }
  get canUndo() { return this.#now > 0; }
  get canRedo() { return this.#now < this.#states.length - 1; }
  get isEmpty() { return !this.#state.base && this.#state.strokes.length === 0; }

  undo() { if (this.canUndo) this.#now--; }
  redo() { if (this.canRedo) this.#now++; }
  clear() { if (!this.isEmpty) this.#become({ base: null, strokes: [] }); }

  /** Begins a stroke at a point. */
  begin(stroke, point) {
    this.#drawn = { ...stroke, points: [point] };
    this.#become({ ...this.#state, strokes: [...this.#state.strokes, this.#drawn] });
  }

  /** Goes on with the stroke. */
  go(point) {
    if (point.some((value, axis) => Math.abs(value - this.#drawn.points.at(-1)[axis]) > 0.05)) this.#drawn.points.push(point);
  }

  /** Takes a picture as base, without strokes; `instead` takes the place of the last, as frames of a camera do. */
  put(base, instead = false) {
    if (instead) this.#states[this.#now] = { base, strokes: [] };
    else this.#become({ base, strokes: [] });
  }

  #become(state) {
    this.#states = [...this.#states.slice(Math.max(0, this.#now + 1 - MOST_UNDONE), this.#now + 1), state];
    this.#now = this.#states.length - 1;
  }

  /** Returns what the model is given: uint8, row by row, channels last. */
  pixels() {
    return this.look ? this.#lines() : this.#colours();
  }

  /** Draws lines as the sources have them: each pixel is ink or paper. */
  #lines() {
    const { height, width, channels } = this, { base, strokes } = this.#state;
    const drawn = base ? mask(height, width, base.lines.on.slice()) : mask(height, width);
    for (const stroke of strokes) {
      const own = this.#mask(stroke);
      const fitted = stroke.erases ? own : thinned(own, stroke.width, this.look);
      fitted.on.forEach((value, i) => { if (value) drawn.on[i] = stroke.erases ? 0 : 1; });
    }
    const pixels = new Uint8Array(height * width * channels);
    drawn.on.forEach((value, i) => pixels.fill(value ? this.ink[0] : this.paper[0], i * channels, (i + 1) * channels));
    return pixels;
  }

  #colours() {
    const { height, width, channels } = this, { base, strokes } = this.#state;
    const pixels = base ? base.pixels.slice() : new Uint8Array(height * width * channels).fill(255);
    for (const stroke of strokes) {
      const colour = stroke.erases ? this.paper : stroke.colour;
      const [r, g, b] = colour, values = channels === 1 ? [0.299 * r + 0.587 * g + 0.114 * b] : colour;
      this.#mask(stroke).on.forEach((value, i) => { if (value) pixels.set(values, i * channels); });
    }
    return pixels;
  }

  /** Returns the pixels of a stroke. */
  #mask({ points, width }) {
    const line = mask(this.height, this.width);
    const plot = (x, y) => { if (x >= 0 && y >= 0 && x < this.width && y < this.height) line.on[y * this.width + x] = 1; };
    const whole = points.map((point) => point.map(Math.floor));
    whole.forEach((to, i) => drawLine(plot, ...(whole[i - 1] ?? to), ...to));
    return width > 1 ? grow(line, Math.round(width), true) : line;
  }

  /** Shows it, smooth, at any resolution. */
  show(context) {
    const { canvas } = context, scale = canvas.width / this.width, { base, strokes } = this.#state;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = rgb(this.paper);
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (base?.picture) context.drawImage(base.picture, 0, 0, canvas.width, canvas.height);
    context.scale(scale, scale);
    context.lineCap = context.lineJoin = "round";
    if (base?.lines) this.#showLines(context, base.lines);
    for (const { erases, width, colour, points } of strokes) {
      context.strokeStyle = rgb(erases ? this.paper : this.look ? this.ink : colour);
      context.lineWidth = width;
      context.stroke(smooth(points));
    }
  }

  #showLines(context, lines) {
    const path = new Path2D(), wide = this.look.stroke[2] > 2.5 || this.look.filled;
    if (wide) lines.on.forEach((value, i) => { if (value) path.rect(i % this.width, Math.floor(i / this.width), 1, 1); });
    else for (const [x, y, toX, toY] of segments(lines)) { path.moveTo(x + 0.5, y + 0.5); path.lineTo(toX + 0.5, toY + 0.5); }
    context.fillStyle = context.strokeStyle = rgb(this.ink);
    context.lineWidth = 1;
    if (wide) context.fill(path); else context.stroke(path);
  }
}

const rgb = (colour) => `rgb(${colour.join()})`;

/** Returns the path through points, curved from the middle of one step to that of the next. */
function smooth(points) {
  const path = new Path2D();
  path.moveTo(...points[0]);
  path.lineTo(...points[0]);
  for (let i = 1; i < points.length - 1; i++) {
    const [x, y] = points[i], [toX, toY] = points[i + 1];
    path.quadraticCurveTo(x, y, (x + toX) / 2, (y + toY) / 2);
  }
  path.lineTo(...points.at(-1));
  return path;
}
