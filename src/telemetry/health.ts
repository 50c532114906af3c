/**
 * Is Quell alive, and may traffic be sent to it? Healthy: the process answers. Ready: the lane is
 * loaded and rules are in force; what is missing is said by name.
 */
export interface Health {
  /** Undefined when ready, else what is missing. */
  notReady(): string | undefined;
}

export interface Part {
  readonly name: string;
  readonly ready: () => boolean;
}

export function createHealth(parts: readonly Part[]): Health {
  return {
    notReady() {
      const missing = parts.filter(({ ready }) => !ready()).map(({ name }) => name);
      return missing.length === 0 ? undefined : `not ready: waiting for ${missing.join(', ')}`;
    },
  };
}
