/** What is recorded of a call: bits. A call that was good and quick is 0. */

export const FAILED = 1
export const SLOW = 2
export const UNANSWERED = 4
