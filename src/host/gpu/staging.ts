/** Buffers for reading back, reused by size class. */
export class StagingPool {
  private readonly device: GPUDevice;
  private readonly maxBufferSize: number;
  private readonly idle = new Map<number, GPUBuffer[]>();

  constructor(device: GPUDevice, maxBufferSize: number) {
    this.device = device;
    this.maxBufferSize = maxBufferSize;
  }

  /** A mappable buffer of at least `bytes` bytes. */
  take(bytes: number): GPUBuffer {
    const size = Math.min(this.maxBufferSize, Math.max(4096, 2 ** Math.ceil(Math.log2(bytes))));
    const MAP_READ_COPY_DST = 0x0001 | 0x0008;
    return this.idle.get(size)?.pop() ?? this.device.createBuffer({ label: 'staging', size, usage: MAP_READ_COPY_DST });
  }

  /** Takes back an unmapped buffer; a few of each size are kept. */
  give(buffer: GPUBuffer): void {
    const list = this.idle.get(buffer.size) ?? [];
    this.idle.set(buffer.size, list);
    if (list.length < 4) list.push(buffer);
    else buffer.destroy();
  }
}
