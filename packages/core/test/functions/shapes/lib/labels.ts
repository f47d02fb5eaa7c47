class Given {
  constructor(given: object) {
    // oxlint-disable-next-line no-constructor-return -- what is tried needs it
    return given;
  }
}

class Label extends Given {
  #text: string;
  constructor(given: object, text: string) {
    super(given);
    this.#text = text;
  }
  static textOf(object: object): string | undefined {
    return #text in object ? (object as Label).#text : undefined;
  }
}

/** Puts a label onto any object, unseen by all but {@link labelOf}. */
export const label = <Labelled extends object>(object: Labelled, text: string): Labelled => {
  void new Label(object, text);
  return object;
};

export const labelOf = (object: object): string | undefined => Label.textOf(object);
