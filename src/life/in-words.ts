/**
 * How long something lasted, as people say it: to the second as long as that matters.
 */
export function inWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 600) return withRest(Math.floor(seconds / 60), seconds % 60);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

function withRest(minutes: number, seconds: number): string {
  return seconds === 0 ? `${minutes} min` : `${minutes} min ${seconds} s`;
}
