/** How far one copy is. */
export interface CopyState {
  sizeGiB: number;
  /** 0 to 100, in AWS's words; 100 as well when the copy was there already. */
  percent: number;
}

/** Seconds until all is copied if it goes on as it did; nothing before anything was moved. */
export function remainingSeconds(copies: readonly CopyState[], elapsedSeconds: number): number | undefined {
  const total = sum(copies.map(({ sizeGiB }) => sizeGiB));
  const moved = movedGiB(copies);
  return moved === 0 ? undefined : (elapsedSeconds * (total - moved)) / moved;
}

/** One line of progress, such as `eu-central-1: 3 of 8 copies, 42 % of 80 GiB, about 12 min left`. */
export function describeCopies(place: string, copies: readonly CopyState[], elapsedSeconds: number): string {
  const total = sum(copies.map(({ sizeGiB }) => sizeGiB));
  const done = copies.filter(({ percent }) => percent === 100).length;
  const share = total === 0 ? 100 : Math.floor((100 * movedGiB(copies)) / total);
  const remaining = remainingSeconds(copies, elapsedSeconds);
  const estimate = remaining === undefined ? "" : `, about ${describeSeconds(remaining)} left`;
  return `${place}: ${done} of ${copies.length} copies, ${share} % of ${total} GiB${estimate}`;
}

function describeSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 90 * 60 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function movedGiB(copies: readonly CopyState[]): number {
  return sum(copies.map(({ sizeGiB, percent }) => (sizeGiB * percent) / 100));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
