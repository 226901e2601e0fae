// Launches kernels by what `tensor-wasm kernel bindings` wrote, and answers what is in the buffers
// then, as the guest `kernel_bindings` does in Rust. Takes the place of `double.js` in a new project.

import { Device } from "tensor:gpu/kernels@0.1.0";

import PTX from "./kernels/kernels.ptx";
import { Kernels } from "./launchers.js";

export function bytes(text) {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function threads(count) {
  return { grid: { x: 1, y: 1, z: 1 }, block: { x: count, y: 1, z: 1 }, sharedMemory: 0 };
}

/** The bytes that a function puts into a view of as many. */
function filled(length, fill) {
  const buffer = new ArrayBuffer(length);
  fill(new DataView(buffer));
  return new Uint8Array(buffer);
}

function launched() {
  const device = Device.open();
  const queue = device.createQueue();
  const launchers = new Kernels(device, PTX);

  const x = device.allocate(16);
  queue.write(x, 0, new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer));
  const y = device.allocate(20);
  const pair = filled(8, (view) => {
    view.setUint32(0, 7, true);
    view.setFloat32(4, 0.5, true);
  });
  launchers.combine(queue, threads(4), x, [y, 4], 2, 3, -1, pair);
  const combined = new Float32Array(Uint8Array.from(queue.read(y, 0, 20)).buffer);

  const loaded = device.allocate(24);
  launchers.load(queue, threads(1), loaded, 200, 0x3c00, 0x3f80, 1, -2);
  const lists = [combined, queue.read(loaded, 0, 24)];
  return lists.map((list) => `${JSON.stringify([...list])}\n`).join("");
}

export function answer() {
  try {
    return [200, launched()];
  } catch (error) {
    return [500, `${JSON.stringify(error.payload ?? error)}\n`];
  }
}
