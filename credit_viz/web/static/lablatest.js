/** Lets only the last of several questions answer. */
export class Latest {
  #asked = 0;

  /**
   * @template T
   * @param {() => Promise<T>} ask @param {(answer: T) => void} take not called where a later question was asked meanwhile
   */
  async ask(ask, take) {
    const mine = ++this.#asked;
    const answer = await ask();
    if (mine === this.#asked) take(answer);
  }

  /** What is on its way is wanted no more. */
  drop() {
    this.#asked += 1;
  }
}
