/** Does something with each item, so many at a time, and gives the results in the items' order. */
export async function inParallel<T, R>(
  limit: number,
  items: readonly T[],
  act: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await act(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

/**
 * The same for work that is undone when a part of it fails: then nothing more is begun, and what is at it ends before
 * the first failure is raised. `stop` may hurry it.
 */
export async function inParallelOrNone<T>(
  limit: number,
  items: readonly T[],
  act: (item: T) => Promise<void>,
  stop: () => void = () => undefined,
): Promise<void> {
  let failure: { error: unknown } | undefined;
  await inParallel(limit, items, async (item) => {
    if (failure !== undefined) return;
    try {
      await act(item);
    } catch (error) {
      failure ??= { error };
      stop();
    }
  });
  if (failure !== undefined) throw failure.error;
}
