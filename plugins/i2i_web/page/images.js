// Images that come in (files, what is dropped or pasted, a webcam) and go out.
import { linesOf, lookedAt } from "./fit.js";

/** Returns what a sheet takes as its base, of anything that a canvas can draw, and what it was taken for. */
export function baseOf(image, model) {
  const [height, width] = model.size;
  if (model.look) {
    const { kind, lines } = linesOf(within(image, lookedAt(model.size)), model.look, model.size);
    return { kind, base: { lines } };
  }
  const longer = 3 * Math.max(height, width), scale = Math.min(longer / Math.max(height, width), sizeOf(image).height / height, 3);
  const picture = covering(image, Math.round(height * Math.max(scale, 1)), Math.round(width * Math.max(scale, 1)));
  return { kind: "image", base: { picture, pixels: packed(pixelsOf(covering(image, height, width)).data, model.channels) } };
}

/** Returns the pixels of an image, made smaller where its longer side has more than that. */
function within(image, most) {
  const { height, width } = sizeOf(image), scale = Math.min(1, most / Math.max(height, width));
  return pixelsOf(covering(image, Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))));
}

/** Draws the largest centred part of an image that has these proportions. */
function covering(image, height, width) {
  const given = sizeOf(image), scale = Math.max(height / given.height, width / given.width);
  const [wide, high] = [given.width * scale, given.height * scale];
  const canvas = canvasOf(height, width), context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, (width - wide) / 2, (height - high) / 2, wide, high);
  return canvas;
}

const sizeOf = (image) => ({
  height: image.videoHeight ?? image.naturalHeight ?? image.height, width: image.videoWidth ?? image.naturalWidth ?? image.width,
});

const pixelsOf = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);

function canvasOf(height, width) {
  return Object.assign(document.createElement("canvas"), { height, width });
}

/** Returns the channels that a model takes, (gray by ITU-R BT.601 where it is one), of RGBA. */
function packed(data, channels) {
  const pixels = new Uint8ClampedArray(data.length / 4 * channels);
  for (let i = 0; i < data.length / 4; i++) {
    const [r, g, b] = data.subarray(4 * i, 4 * i + 3);
    pixels.set(channels === 1 ? [0.299 * r + 0.587 * g + 0.114 * b] : [r, g, b], i * channels);
  }
  return new Uint8Array(pixels.buffer);
}

/** Draws uint8 pixels of one or three channels on a canvas of their size. */
export function drawPixels(canvas, pixels) {
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  const channels = pixels.length / (canvas.width * canvas.height), [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  for (let i = 0, at = 0; at < pixels.length; i += 4, at += channels) {
    image.data[i] = pixels[at];
    image.data[i + 1] = pixels[at + green];
    image.data[i + 2] = pixels[at + blue];
    image.data[i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** Offers pixels to be saved, exactly, as a PNG. */
export async function save(pixels, [height, width], name) {
  const canvas = canvasOf(height, width);
  drawPixels(canvas, pixels);
  const file = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Reads the first image among files or what is on a clipboard; null where there is none. */
export async function firstImage(given) {
  const file = [...given].find((each) => each.type.startsWith("image/"));
  if (!file) return null;
  return await createImageBitmap(file.getAsFile?.() ?? file).catch(() => null); // turned as its EXIF says
}

/** A webcam, that shows frame after frame while it is on. */
export class Camera {
  #stream = null;

  get isOn() { return this.#stream !== null; }

  /** Starts, and waits for what is made of each frame before it takes the next. */
  async start(make) {
    this.#stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 640 } } });
    const video = Object.assign(document.createElement("video"), { srcObject: this.#stream, muted: true, playsInline: true });
    await video.play();
    while (this.isOn) {
      await make(video);
      await new Promise(requestAnimationFrame);
    }
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
  }
}
