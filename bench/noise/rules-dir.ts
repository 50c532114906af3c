/**
 * The rules folder of a generated platform: what its teams would write down anyway, and no tuning.
 *
 * The catalog, where the facts stand in the labels, the maintenance windows. Everything else is left
 * to Quell's defaults, because those are what is measured.
 */
import { stringify } from 'yaml';
import { iso } from './alertmanager.ts';
import type { LabelStyle } from './labels.ts';
import type { Platform } from './platform.ts';
import type { Windows } from './diary.ts';

export const WEEKLY_WINDOW = {
  name: 'Sunday database patching',
  location: 'Europe/London',
  weekdays: ['sunday'],
  start_time: '02:00',
  end_time: '04:00',
} as const;

export function rulesFiles(
  platform: Platform,
  style: LabelStyle,
  windows: Windows,
): Readonly<Record<string, string>> {
  const services = platform.services.map((service) => ({
    name: service.name,
    ...(service.aliases.length === 0 ? {} : { aliases: service.aliases }),
    owner: service.owner,
    tier: service.tier,
    ...(service.capability === '' ? {} : { capability: service.capability }),
    runbook: `https://wiki.example.com/runbooks/${service.name}`,
    ...(service.dependsOn.length === 0 ? {} : { dependsOn: service.dependsOn }),
  }));
  return {
    'services.yaml': stringify({ services }),
    'normalise.yaml': style.normalise,
    'quiet.yaml': stringify({ maintenance: maintenanceRules(windows) }),
  };
}

function maintenanceRules(windows: Windows): readonly unknown[] {
  const { name, location, weekdays, start_time, end_time } = WEEKLY_WINDOW;
  const weekly = {
    name,
    match: ['service=~".*-db"'],
    every: { weekdays, times: [{ start_time, end_time }], location },
  };
  const once = windows.once.map((window, i) => ({
    name: `Planned work ${i + 1}`,
    match: [`service=~"${window.services.join('|')}"`, 'environment="production"'],
    startsAt: iso(window.from),
    endsAt: iso(window.to),
  }));
  return [weekly, ...once];
}
