/** What a machine lacks for the best engine, and the command that would supply it. */
import type { Drivers } from './drivers.ts';
import type { Findings } from './findings.ts';

export interface Missing {
  readonly what: string;
  readonly why: string;
  readonly command?: string;
}

export function findMissing(findings: Findings): Missing[] {
  const { webgpu, wasm, adapters, drivers } = findings;
  const missing: Missing[] = [];
  if (!wasm.relaxedSimd) {
    missing.push({ what: 'relaxed SIMD', why: 'Newer versions of Node have it; the CPU is a little faster with it.' });
  }
  if (webgpu.version === undefined) {
    missing.push({
      what: 'the package webgpu',
      why: 'Without it there is no GPU; the CPU gives the same answers.',
      command: 'npm install webgpu',
    });
  }
  const hardware = adapters.some(({ adapter }) => adapter && !adapter.software);
  if (drivers && !hardware) missing.push(...missingOnLinux(drivers));
  if (!drivers && webgpu.version !== undefined && adapters.length === 0) {
    missing.push({ what: 'a GPU adapter', why: 'WebGPU found none; update the graphics driver of this machine.' });
  }
  return missing;
}

function missingOnLinux(drivers: Drivers): Missing[] {
  const { devices, loader, software } = drivers;
  const missing: Missing[] = [];
  if (!loader) {
    const why = 'Every Vulkan driver is found through it, SwiftShader included.';
    missing.push({ what: 'the Vulkan loader', why, command: 'apt-get install --no-install-recommends libvulkan1' });
  }
  const nvidia = devices.some((path) => path.startsWith('/dev/nvidia'));
  if (nvidia) missing.push(...missingForNvidia(drivers));
  else if (devices.length > 0) {
    const why = 'There is a GPU, but no Vulkan driver answered for it.';
    missing.push({ what: "the GPU's Vulkan driver", why, command: 'apt-get install mesa-vulkan-drivers' });
  } else missing.push({ what: 'a GPU', why: 'This machine has none that shows in /dev; the CPU gives the same answers.' });
  if (!software) {
    const why = 'It stands in for a GPU in tests and in isodex verify; it is part of Chromium.';
    missing.push({ what: 'SwiftShader', why, command: 'apt-get install --no-install-recommends chromium' });
  }
  return missing;
}

function missingForNvidia({ manifests, stray }: Drivers): Missing[] {
  const what = "NVIDIA's Vulkan driver";
  if (manifests.some((path) => path.includes('nvidia'))) {
    return [
      {
        what,
        why: 'Its manifest is there, but no adapter answered: is its libGLX_nvidia.so.0 complete (libx11-6, libxext6)?',
        command: 'apt-get install --no-install-recommends libx11-6 libxext6',
      },
    ];
  }
  if (stray) return [{ what, why: 'It lies where the Vulkan loader does not look.', command: `export VK_DRIVER_FILES=${stray}` }];
  const why = 'In a container set NVIDIA_DRIVER_CAPABILITIES=all when it is started instead.';
  return [{ what, why, command: 'apt-get install nvidia-vulkan-icd' }];
}
