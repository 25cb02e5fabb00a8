export const pad = (text: string, width: number): string => text.padEnd(width, ".");

export class Title {
  constructor(private readonly text: string) {}
  toString = (): string => this.text.charAt(0).toUpperCase() + this.text.slice(1);
}

export const title = (text: string): string => `${new Title(text)}`;
