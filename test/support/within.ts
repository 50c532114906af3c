/**
 * A deadline for something that a test waits for: generous, so that it is met on a slow machine, and
 * telling, so that a failure says what did not happen and how things stood.
 */
export async function within<T>(
  seconds: number,
  what: string,
  happens: Promise<T>,
  situation: () => string = () => '',
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what}: not within ${seconds} s. ${situation()}`)),
      seconds * 1_000,
    );
  });
  try {
    return await Promise.race([happens, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
