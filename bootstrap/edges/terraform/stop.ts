/**
 * Passes a request to stop on to Terraform exactly once. A second one makes Terraform give up at once and lose
 * state; and Ctrl-C in a terminal reaches Terraform by itself, as it is in the same process group. So this first
 * waits whether Terraform says that it has heard.
 */
export function stopOnce(signal: AbortSignal | undefined): Stop {
  const passedOn = new AbortController();
  let heard = false;
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    timer = setTimeout(() => {
      if (!heard) passedOn.abort();
    }, graceMs);
  };
  signal?.addEventListener("abort", stop, { once: true });
  return {
    signal: passedOn.signal,
    heard: (text) => {
      heard ||= /interrupt received|stopping operation|gracefully shutting down/i.test(text);
    },
    done: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    },
  };
}

export interface Stop {
  signal: AbortSignal;
  /** Told each line that Terraform says. */
  heard(text: string): void;
  done(): void;
}

const graceMs = 700;
