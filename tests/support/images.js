// Pictures of documents: honest ones made here, and every dishonest kind that an upload must refuse or defuse.

import { deflateSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';

/** Text that must never come out again: it stands in metadata, comments and trailing bytes. */
export const canary = 'CANARY-3f9c1b-GPS-35.6812N-139.7671E';

function pixels(width, height) {
  const data = Buffer.alloc(width * height * 4);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = (y * width + x) * 4;
      const line = y % 24 > 18 && x > width * 0.1 && x < width * 0.7;
      const photo = x > width * 0.76 && x < width * 0.95 && y > height * 0.15 && y < height * 0.6;
      data.set(photo ? [120, 150, 190, 255] : line ? [60, 60, 70, 255] : [245, 243, 230, 255], at);
    }
  }
  // the upper left corner is red, so that a test sees which way is up
  for (let y = 0; y < height / 6; y += 1) for (let x = 0; x < width / 6; x += 1) data.set([200, 20, 20, 255], (y * width + x) * 4);
  return { width, height, data };
}

/** A JPEG like a photographed card; with `exif`, orientation 6 (turned), a GPS position and a comment. */
export function jpegImage({ width = 480, height = 300, exif = false, quality = 80 } = {}) {
  const plain = jpeg.encode(pixels(width, height), quality).data;
  if (!exif) return plain;
  const tiff = Buffer.concat([
    Buffer.from('II*\0\x08\0\0\0', 'latin1'),
    Buffer.from([3, 0]),
    entry(0x0112, 3, 1, 6),
    entry(0x010e, 2, canary.length + 1, 8 + 2 + 36 + 4),
    entry(0x8825, 4, 1, 8 + 2 + 36 + 4 + canary.length + 1),
    Buffer.alloc(4),
    Buffer.from(`${canary}\0`),
    Buffer.from([1, 0]), entry(1, 2, 2, 0x4e), Buffer.alloc(4),
  ]);
  const app1 = segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]));
  const xmp = segment(0xe1, Buffer.from(`http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>${canary}</x:xmpmeta>`, 'latin1'));
  const comment = segment(0xfe, Buffer.from(canary));
  return Buffer.concat([plain.subarray(0, 2), app1, xmp, comment, plain.subarray(2), Buffer.from(`PK\x03\x04${canary}`, 'latin1')]);
}

function segment(marker, content) {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

function entry(tag, type, count, value) {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16LE(tag, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.writeUInt32LE(count, 4);
  bytes.writeUInt32LE(value, 8);
  return bytes;
}

/** A PNG; with `text`, a text chunk that holds the canary and a script. */
export function pngImage({ width = 320, height = 200, text = false } = {}) {
  const image = new PNG({ width, height });
  pixels(width, height).data.copy(image.data);
  const plain = PNG.sync.write(image);
  if (!text) return plain;
  const end = plain.length - 12;
  return Buffer.concat([plain.subarray(0, end), chunk('tEXt', Buffer.from(`Comment\0${canary}<script>alert(1)</script>`)), plain.subarray(end), Buffer.from(canary)]);
}

const table = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = table[(c ^ byte) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(type, content) {
  const body = Buffer.concat([Buffer.from(type), content]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(content.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), body.length + 4);
  return out;
}

/** A GIF of `frames` frames, one pixel each. */
export function gifImage({ frames = 1, comment } = {}) {
  const head = Buffer.from('47494638396101000100800000c81414ffffff', 'hex');
  const frame = Buffer.from('21f90400000000002c000000000100010000020244' + '0100', 'hex');
  const remark = comment ? Buffer.concat([Buffer.from([0x21, 0xfe, comment.length]), Buffer.from(comment), Buffer.from([0])]) : Buffer.alloc(0);
  return Buffer.concat([head, remark, ...Array(frames).fill(frame), Buffer.from([0x3b])]);
}

/** A PNG of a few kilobytes that says it is 50,000 × 50,000. */
export function pngBomb() {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(50_000, 0);
  header.writeUInt32BE(50_000, 4);
  header.set([1, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(40_000_000), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A JPEG whose header says 65,500 × 65,500. */
export function jpegBomb() {
  const bytes = Buffer.from(jpegImage({ width: 32, height: 32 }));
  for (let at = 2; at < bytes.length - 9; at += 1) {
    if (bytes[at] === 0xff && (bytes[at + 1] === 0xc0 || bytes[at + 1] === 0xc2)) {
      bytes.writeUInt16BE(65_500, at + 5);
      bytes.writeUInt16BE(65_500, at + 7);
      return bytes;
    }
  }
  throw new Error('no frame header');
}

/** A PNG whose compressed text chunk unfolds to 200 MB. */
export function pngTextBomb() {
  const plain = pngImage({ width: 8, height: 8 });
  const end = plain.length - 12;
  return Buffer.concat([
    plain.subarray(0, end),
    chunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), deflateSync(Buffer.alloc(100_000_000), { level: 9 })])),
    plain.subarray(end),
  ]);
}

/** Files that are no jpeg, gif or png inside, whatever they are called. */
export const impostors = {
  'an SVG': ['card.svg', 'image/svg+xml', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><rect width="9" height="9"/></svg>')],
  'an SVG called png': ['card.png', 'image/png', Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')],
  'an HTML page called jpg': ['card.jpg', 'image/jpeg', Buffer.from('<!doctype html><script>alert(1)</script>')],
  'a PDF': ['card.pdf', 'application/pdf', Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF')],
  'a PDF called jpg': ['card.jpg', 'image/jpeg', Buffer.from('%PDF-1.7\n%%EOF')],
  'a WebP': ['card.webp', 'image/webp', Buffer.from('UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==', 'base64')],
  'a WebP called png': ['card.png', 'image/png', Buffer.from('UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==', 'base64')],
  'a TIFF': ['card.tiff', 'image/tiff', Buffer.from('49492a0008000000010000010300010000000100000000000000', 'hex')],
  'a BMP': ['card.bmp', 'image/bmp', Buffer.concat([Buffer.from('424d3a0000000000000036000000280000000100000001000000010018000000000004000000', 'hex'), Buffer.alloc(24)])],
  'a HEIC called jpg': ['card.jpg', 'image/jpeg', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')],
  'a program called gif': ['card.gif', 'image/gif', Buffer.concat([Buffer.from('7f454c46', 'hex'), Buffer.alloc(200)])],
  'text that begins like a GIF': ['card.gif', 'image/gif', Buffer.from('GIF89a/*<script>alert(1)</script>*/=1;')],
  'an empty file': ['card.jpg', 'image/jpeg', Buffer.alloc(0)],
  'one byte': ['card.png', 'image/png', Buffer.from([0x89])],
  'eight bytes of PNG': ['card.png', 'image/png', Buffer.from('89504e470d0a1a0a', 'hex')],
  'thirty-three bytes of PNG': ['card.png', 'image/png', pngImage({ width: 8, height: 8 }).subarray(0, 33)],
  'half a PNG': ['card.png', 'image/png', pngImage().subarray(0, 400)],
  'a quarter of a JPEG header': ['card.jpg', 'image/jpeg', jpegImage().subarray(0, 120)],
  'a picture of no pixels': ['card.png', 'image/png', (() => {
    const bytes = Buffer.from(pngImage({ width: 8, height: 8 }));
    bytes.writeUInt32BE(0, 16);
    return bytes;
  })()],
};

/** Width, height and kind of a JPEG or PNG. */
export function dimensions(bytes) {
  if (bytes.subarray(1, 4).toString() === 'PNG') return { type: 'image/png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  const { width, height } = jpeg.decode(bytes, { maxMemoryUsageInMB: 512 });
  return { type: 'image/jpeg', width, height };
}

/** The colour of a pixel, for JPEG and PNG. */
export function pixel(bytes, x, y) {
  const png = bytes.subarray(1, 4).toString() === 'PNG';
  const { width, data } = png ? PNG.sync.read(bytes) : jpeg.decode(bytes, { maxMemoryUsageInMB: 512 });
  const at = (y * width + x) * 4;
  return [...data.subarray(at, at + 3)];
}
