/**
 * Bugs to be planted, one at a time, to see that the simulation notices. Each is a change of one place
 * in the code; some of them once were there. One that no seed notices is a missing check.
 */
import type { Planted } from '../support/plant.ts';

export interface PlantedBug extends Planted {
  readonly name: string;
  /** One that noticed it. When the simulation changes, another may. */
  readonly seed: number;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'a 2xx is answered before the commit',
    seed: 6,
    file: 'src/lane/lane.ts',
    from: '  if (changesNothing(commit)) return conclude(lane, decided, []);',
    to: '  for (const one of decided) one.done();\n  if (changesNothing(commit)) return;',
  },
  {
    name: 'a 2xx is answered although the commit failed',
    seed: 6,
    file: 'src/lane/lane.ts',
    from: 'for (const one of waiting) one.failed(unavailable());',
    to: 'for (const one of waiting) one.done();',
  },
  {
    name: 'Slack hears of it before the commit',
    seed: 2,
    file: 'src/lane/lane.ts',
    from: '    const result = await store.commit(name, commit);',
    to: '    lane.outbox?.enqueue(commit.effects);\n    const result = await store.commit(name, commit);',
  },
  {
    name: 'memory is kept after a commit that failed',
    seed: 1,
    file: 'src/lane/lane.ts',
    from: '      await recover(lane, error);',
    to: '      if (lane.stopping) await recover(lane, error);',
  },
  {
    name: 'nobody is woken when something is due',
    seed: 2,
    file: 'src/lane/lane.ts',
    from: '  if (at !== undefined && !lane.stopping)\n    lane.callOff',
    to: '  if (at !== undefined && lane.stopping)\n    lane.callOff',
  },
  {
    name: 'the outbox is empty after a start',
    seed: 5,
    file: 'src/lane/lane.ts',
    from: '      outbox.restore(lane.restored);\n',
    to: '',
  },
  {
    name: 'what is told before Slack is there waits for the next start',
    seed: 24,
    file: 'src/lane/lane.ts',
    from: 'lane.restored = [...lane.restored, ...ready];',
    to: '{}',
  },
  {
    name: 'nothing is due any more after a start',
    seed: 1,
    file: 'src/decide.ts',
    from: '    yield* scheduleEverything(turn);\n',
    to: '',
  },
  {
    name: 'a reload of the rules forgets what is open',
    seed: 2,
    file: 'src/decide.ts',
    from: "    case 'rules-changed':\n",
    to: "    case 'rules-changed':\n      for (const id of [...turn.state.open]) turn.state.incidents.delete(id);\n",
  },
  {
    name: 'what another alert inhibits stays quiet when that ends',
    seed: 64,
    file: 'src/state/inhibit-index.ts',
    from: '  if (side.size === 0 || group.targets.size <= NAMED_ANEW_MAX) changed.add(group);\n',
    to: '',
  },
  {
    name: 'who inhibits whom is not known after a start or a reload',
    seed: 152,
    file: 'src/state/inhibit-index.ts',
    from: '    trackFiring(index, undefined, alert);\n    yield;\n',
    to: '    yield;\n',
  },
  {
    name: 'an alert that begins does not look for what inhibits it',
    seed: 152,
    file: 'src/episode.ts',
    from: '  beginsToInhibit(turn, alert);\n  alert.muted = mutedNow(turn, alert);\n  if (alert.muted !== undefined) return muted(turn, alert, alert.muted, known);\n  countEpisode',
    to: '  beginsToInhibit(turn, alert);\n  countEpisode',
  },
  {
    name: 'the late end of an earlier firing ends the present one',
    seed: 32,
    file: 'src/dedupe/repeat.ts',
    from: '    if (endsAt < known.startsAt)\n',
    to: '    if (endsAt < 0)\n',
  },
  {
    name: 'the late beginning of a firing that is over is news',
    seed: 40,
    file: 'src/dedupe/repeat.ts',
    from: '  const isLate = now - (known.resolvedAt ?? now) <= LATE_MAX_MS;',
    to: '  const isLate = false;',
  },
  {
    name: 'an end that overtook its beginning is dated to the end before',
    seed: 94,
    file: 'src/dedupe/renew.ts',
    from: '  const resolvedAt = isLater ? turn.now : known.resolvedAt;',
    to: '  const resolvedAt = isLater ? known.resolvedAt : known.resolvedAt;',
  },
  {
    name: 'a post whose answer was lost is not looked up',
    seed: 1,
    file: 'src/slack/courier.ts',
    from: '  if (doubt === undefined) return undefined;',
    to: '  if (doubt === undefined || track !== undefined) return undefined;',
  },
  {
    name: 'a line of a thread that a lane loaded again while it was posted waits once more',
    seed: 40,
    file: 'src/slack/track.ts',
    from: '(post) => post.id === effect.id && post.at === effect.at)',
    to: '(post) => post === effect)',
  },
  {
    name: 'a line of a thread is looked up in the channel that refused its message',
    seed: 146,
    file: 'src/slack/courier.ts',
    from: 'thread === undefined ? doubt.channel : task.channel;',
    to: 'doubt.channel;',
  },
  {
    name: 'a look-up believes that our clock is right',
    seed: 16,
    file: 'src/slack/lookup.ts',
    from: 'LOOK_BACK_MS = 12 * 60 * 60_000;',
    to: 'LOOK_BACK_MS = 60_000;',
  },
  {
    name: 'a look-up with a revoked token finds nothing, so it is posted',
    seed: 175,
    file: 'src/slack/courier.ts',
    from: "if (found.kind !== 'refused' || isForNow(found.error)) return found;",
    to: "if (found.kind !== 'refused') return found;",
  },
  {
    name: 'a call that failed is given up',
    seed: 1,
    file: 'src/slack/courier.ts',
    from: "      return { kind: 'later', error: answer.error };",
    to: '      return refused(answer.error);',
  },
  {
    name: 'a message that its channel refuses is told nowhere',
    seed: 13,
    file: 'src/life/delivered.ts',
    from: '  orderMessage(turn, change(turn, incident, { route: rerouted, sentRevision: undefined }));',
    to: '  change(turn, incident, { route: rerouted, sentRevision: undefined });',
  },
  {
    name: 'an older revision in Slack counts as the newest',
    seed: 152,
    file: 'src/life/delivered.ts',
    from: '      if (outcome.revision < known.revision) orderMessage(turn, known);\n',
    to: '',
  },
  {
    name: 'an incident is forgotten before Slack has its end',
    seed: 8,
    file: 'src/life/end.ts',
    from: '  return (sentRevision ?? revision) < revision;',
    to: '  return (sentRevision ?? revision) > revision;',
  },
  {
    name: 'what flaps leaves its incident, which goes on waiting for it',
    seed: 58,
    file: 'src/episode.ts',
    from: '  if (isSame) settleWithout(turn, known);\n',
    to: '',
  },
  {
    name: 'a digest is ordered while Slack has not answered to the one before',
    seed: 259,
    file: 'src/life/digest.ts',
    from: '  if (digest.sending !== undefined) return;\n',
    to: '',
  },
  {
    name: 'a digest that Slack has taken is waited for all the same',
    seed: 25,
    file: 'src/life/digest.ts',
    from: '{ ...digest, message, lines, sending: undefined }',
    to: '{ ...digest, message, lines }',
  },
  {
    name: 'what was shown and could not be kept counts as the newest after a start',
    seed: 981487,
    file: 'src/life/delivered.ts',
    from: '  return change(turn, incident, { revision: shown + 1 });',
    to: '  return incident;',
  },
  {
    name: 'what a digest told of is in none when it fires again',
    seed: 200797,
    file: 'src/life/end.ts',
    from: '    addToDigest(turn, shown, shown.route.channel);',
    to: '    {}',
  },
  {
    name: 'a hold that ended while nobody was there is not asked about',
    seed: 976714,
    file: 'src/life/due.ts',
    from: "    if (mayBeLouder(turn, graced)) schedule(state.timers, keyOf('missed', graced.fingerprint), now);\n",
    to: '',
  },
];
