/** People in a message: named when they did something, called when they are needed. */
import type { People } from '../model.ts';
import { cut, type Piece } from './rich.ts';

const NAME_MAX = 60;
const EVERYONE = new Map([
  ['here', 'everyone online here'],
  ['channel', 'everyone in the channel'],
]);

/** Slack shows the name behind the id; elsewhere it is the one the rules give, or the id. */
export function person(id: string, people: People): Piece {
  return { kind: 'person', id, name: cut(people.get(id) ?? id, NAME_MAX) || 'somebody' };
}

/** `U…`, `S…` (user group), `here` or `channel`: this one makes a phone ring. */
export function call(id: string, people: People): Piece {
  return { kind: 'call', id, name: calledName(id, people) };
}

/** The same, named only. */
export function calledBefore(id: string, people: People): Piece {
  return { kind: 'person', id, name: calledName(id, people) };
}

/** Nobody knows a user group by its id: without a name it is at least called what it is. */
function calledName(id: string, people: People): string {
  const unnamed = id.startsWith('S') ? `user group ${id}` : id;
  return cut(EVERYONE.get(id) ?? people.get(id) ?? unnamed, NAME_MAX);
}
