// Launches the kernels of kernels.ptx. Written by `tensor-wasm kernel bindings`.

function integer(bits, value) {
  return { tag: `${value < 0 ? "s" : "u"}${bits}`, val: value };
}

// A buffer, an array of a buffer and a place in it (in bytes), or a number. They are passed on as they
// are: QuickJS takes numbers, and StarlingMonkey whole numbers of either type.
function address(value) {
  if (typeof value === "number" || typeof value === "bigint") {
    return { tag: value < 0 ? "s64" : "u64", val: value };
  }
  return { tag: "pointer", val: Array.isArray(value) ? value : [value, 0] };
}

// The bytes of a text. QuickJS has no `TextEncoder`.
function utf8(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text)), (letter) => letter.charCodeAt(0));
}

/** The kernels of kernels.ptx, loaded on a device. */
export class Kernels {
  #combine;
  #load;

  /** `ptx` is the text of the file, or its bytes. */
  constructor(device, ptx) {
    const module = device.load(typeof ptx === "string" ? utf8(ptx) : ptx);
    this.#combine = module.kernel("combine");
    this.#load = module.kernel("load");
  }

  /**
   * Launches the kernel combine.
   * @param {Buffer | [Buffer, number | bigint] | number | bigint} param_0
   * @param {Buffer | [Buffer, number | bigint] | number | bigint} param_1
   * @param {number} a
   * @param {number} n
   * @param {number} param_4
   * @param {Uint8Array} pair
   */
  combine(queue, config, param_0, param_1, a, n, param_4, pair) {
    queue.launch(this.#combine, config, [
      address(param_0),
      address(param_1),
      { tag: "f32", val: a },
      integer(32, n),
      integer(16, param_4),
      { tag: "bytes", val: pair },
    ]);
  }

  /**
   * Launches the kernel load.
   * @param {Buffer | [Buffer, number | bigint] | number | bigint} param_0
   * @param {number} byte
   * @param {number} half
   * @param {number} brain
   * @param {number} double
   * @param {Buffer | [Buffer, number | bigint] | number | bigint} param_5
   */
  load(queue, config, param_0, byte, half, brain, double, param_5) {
    queue.launch(this.#load, config, [
      address(param_0),
      integer(8, byte),
      { tag: "f16", val: half },
      { tag: "bf16", val: brain },
      { tag: "f64", val: double },
      address(param_5),
    ]);
  }
}
