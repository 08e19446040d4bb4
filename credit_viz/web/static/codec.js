/**
 * Packets of a run: base64(gzip(header JSON + little-endian arrays)), as credit_viz/trace/codec.py writes them.
 * Knows bytes only: nothing of runs, views or the page. Works in browsers and in node.
 */

/** @typedef {Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array} TypedArray */
/** @typedef {{kind: string, run: string, seq: number, [key: string]: any}} Header */
/** @typedef {{header: Header, arrays: Record<string, TypedArray>}} Packet */
/** @typedef {{kind: string, maximum: number}} Plane  how a byte stands for a value */

export const VERSION = 2;

/** @type {Record<string, new (buffer: ArrayBuffer, offset: number, length: number) => TypedArray>} */
const VIEWS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, int32: Int32Array, float32: Float32Array };

/** @param {number} length */
const padded = (length) => Math.ceil(length / 4) * 4;

/**
 * Open one packet.
 * @param {string} text
 * @returns {Promise<Packet>}
 * @throws {Error} if it is damaged or of another version
 */
export async function openPacket(text) {
  const raw = await gunzip(bytesOf(text));
  const length = new DataView(raw).getUint32(0, true);
  /** @type {Header} */
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(raw, 4, length)));
  if (header.v !== VERSION)
    throw new Error(`this run was packed in version ${header.v}; the page reads version ${VERSION}. Run it again`);
  /** @type {Record<string, TypedArray>} */
  const arrays = Object.create(null);
  let offset = padded(4 + length);
  for (const [name, dtype, count] of header.arrays) {
    arrays[name] = new VIEWS[dtype](raw, offset, count);
    offset = padded(offset + arrays[name].byteLength);
  }
  return { header, arrays };
}

/**
 * The arrays of one lane, without the lane's prefix.
 * @param {Packet} packet
 * @param {number} lane
 * @returns {Record<string, any>}
 */
export function laneArrays(packet, lane) {
  const prefix = `${lane}.`;
  /** @type {Record<string, TypedArray>} */
  const arrays = {};
  for (const [name, array] of Object.entries(packet.arrays)) {
    if (name.startsWith(prefix)) arrays[name.slice(prefix.length)] = array;
  }
  return arrays;
}

/**
 * The value each of the 256 bytes of a plane stands for.
 * @param {Plane} plane
 * @returns {Float64Array}
 */
export function planeValues(plane) {
  return Float64Array.from({ length: 256 }, (_, byte) => {
    const share = byte / 255;
    return plane.kind === "log1p" ? Math.expm1(share * Math.log1p(plane.maximum)) : share * plane.maximum;
  });
}

/** @param {string} text */
function bytesOf(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function gunzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
