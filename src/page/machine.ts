/** @file What is known before anything large is fetched: the device and the sizes. */
import { describeUnknown } from '../describe-unknown.ts';
import { formatBytes } from '../format-bytes.ts';
import { type CheckpointReport, type DeviceReport, probeDevice } from '../index.ts';
import { create, element } from './elements.ts';
import { formatCount } from './format.ts';
import type { Settings } from './settings.ts';

export async function showDevice(choice: Settings['device']): Promise<void> {
  const target = element('device-report', HTMLElement);
  try {
    target.replaceChildren(...describeDevice(await probeDevice(choice)));
  } catch (error) {
    target.textContent = describeUnknown(error);
  }
}

const badge = (text: string): Node => create('span', { className: 'badge' }, text);

function describeDevice(report: DeviceReport): Node[] {
  const nodes: Node[] = [create('span', {}, report.adapter)];
  if (report.device === 'webgpu') {
    nodes.push(badge('WebGPU'), badge(report.hasShaderF16 ? 'f16' : 'no f16: computes in f32'));
    if (report.isSoftware) nodes.push(badge('software, slow'));
  } else {
    nodes.push(badge('wasm'));
  }
  if (report.notice !== undefined) nodes.push(create('p', { className: 'soft' }, report.notice));
  return nodes;
}

const COMPONENT_NAMES: Record<string, string> = {
  text_encoder: 'text encoder',
  vae: 'video decoder',
};

export function showDownload(report: CheckpointReport): void {
  const parts = report.components.map(({ name, bytes, parameters }) =>
    create(
      'li',
      {},
      create('span', {}, COMPONENT_NAMES[name] ?? name.replaceAll('_', ' ')),
      create(
        'span',
        {},
        parameters > 0
          ? `${formatCount(parameters)} parameters, ${formatBytes(bytes)}`
          : formatBytes(bytes),
      ),
    ),
  );
  const notices = report.notices.map(({ message }) => create('p', { className: 'soft' }, message));
  element('download-report', HTMLElement).replaceChildren(
    create('span', {}, `${formatBytes(report.downloadBytes)} in all`),
    create('ul', { className: 'parts' }, ...parts),
    ...notices,
  );
}
