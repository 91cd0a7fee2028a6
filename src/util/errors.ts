/** What went wrong, in a form that code can branch on; the message says it to a person. */
export type ErrorCode =
  | 'bad-argument' // a value the caller passed: the message names it, what it was and what mends it
  | 'bad-file' // a file that is truncated, corrupted, of another format or of a newer version
  | 'unsupported' // this machine, build or index cannot do that
  | 'device-lost' // the GPU went away; callers of an index never see this one, they get the CPU's answer
  | 'out-of-memory' // the device or WebAssembly memory is full
  | 'closed'; // the engine or index was closed before or during the call

/** Every error that Isodex throws on purpose, save aborts, which reject with the signal's own reason. */
export class IsodexError extends Error {
  override readonly name = 'IsodexError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function badArgument(message: string): IsodexError {
  return new IsodexError('bad-argument', message);
}

export function badFile(message: string, options?: ErrorOptions): IsodexError {
  return new IsodexError('bad-file', message, options);
}

/** Whether `error` is an IsodexError with this code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof IsodexError && error.code === code;
}

/** A value as an error shows it: strings in quotes, since "is 64" would say nothing of '64'. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
