/** Something that may end by itself, since it is a process that anyone can kill. */
interface Mortal {
  readonly gone: Promise<void>;
}

/** Gives the one that is open; when that has ended, the next who asks opens another. */
export function reopened<T extends Mortal>(open: () => Promise<T>): () => Promise<T> {
  let current: Promise<T> | undefined;
  const forget = () => {
    current = undefined;
  };
  return () => {
    current ??= open().then(
      (opened) => {
        void opened.gone.then(forget);
        return opened;
      },
      (error: unknown) => {
        forget();
        throw error;
      },
    );
    return current;
  };
}
