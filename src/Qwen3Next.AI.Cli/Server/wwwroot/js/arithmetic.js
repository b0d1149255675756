/*
 * Exact arithmetic for the calculator: expressions of decimal numbers with + - * / % ^ and parentheses, computed as fractions of whole
 * numbers. The same language as the calculator of the command-line tool.
 */
const LONGEST = 1000;
const DEEPEST = 64;
const LARGEST_EXPONENT = 1000n;
const LARGEST = 10n ** 29n;
const DECIMALS = 10;

const SIGNS = { '×': '*', '·': '*', '÷': '/', ':': '/', '−': '-' };

/** The value as text with at most ten decimals. Throws an Error whose message says what is wrong with the expression. */
export function evaluate(expression) {
  if (expression.length > LONGEST) throw new Error(`The expression has ${expression.length} characters; at most ${LONGEST} are allowed. Split it.`);
  const parser = new Parser(expression);
  const value = parser.sum();
  parser.end();
  return decimalText(value);
}

class Parser {
  #text;
  #at = 0;
  #depth = 0;

  constructor(text) {
    this.#text = text;
  }

  sum() {
    let value = this.#product();
    while (true) {
      if (this.#take('+')) value = add(value, this.#product());
      else if (this.#take('-')) value = add(value, negate(this.#product()));
      else return value;
    }
  }

  end() {
    if (this.#peek() !== undefined) this.#unexpected('an operator');
  }

  #product() {
    let value = this.#signed();
    while (true) {
      if (this.#take('*')) value = multiply(value, this.#signed());
      else if (this.#take('/')) value = multiply(value, inverse(this.#signed()));
      else if (this.#take('%')) value = remainder(value, this.#signed());
      else return value;
    }
  }

  #signed() {
    let negative = false;
    while (true) {
      if (this.#take('-')) negative = !negative;
      else if (!this.#take('+')) break;
    }
    let value = this.#primary();
    if (this.#take('^')) value = power(value, this.#nested(() => this.#signed()));
    return negative ? negate(value) : value;
  }

  #primary() {
    if (!this.#take('(')) return this.#number();
    const value = this.#nested(() => this.sum());
    if (!this.#take(')')) this.#unexpected("')'");
    return value;
  }

  #number() {
    this.#peek();
    const digits = /^(?:\d+\.?\d*|\.\d+)/.exec(this.#text.slice(this.#at))?.[0];
    if (digits === undefined) this.#unexpected("a number or '('");
    this.#at += digits.length;
    const [whole, decimals = ''] = digits.split('.');
    return fraction(BigInt(whole + decimals), 10n ** BigInt(decimals.length));
  }

  #nested(part) {
    if (++this.#depth > DEEPEST) throw new Error(`The expression is nested deeper than ${DEEPEST} levels. Simplify it.`);
    const value = part();
    this.#depth--;
    return value;
  }

  #take(sign) {
    const found = this.#peek();
    if ((SIGNS[found] ?? found) !== sign) return false;
    this.#at++;
    return true;
  }

  #peek() {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
    return this.#text[this.#at];
  }

  #unexpected(wanted) {
    const found = this.#peek();
    throw new Error(found === undefined
      ? `The expression ends where ${wanted} was expected.`
      : `'${found}' at position ${this.#at + 1} was not expected; ${wanted} was.`);
  }
}

/** A value is [numerator, denominator] in lowest terms, the denominator above zero; its size is bounded, and with it the time of every step. */
function fraction(numerator, denominator) {
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator];
  while (b > 0n) [a, b] = [b, a % b];
  const [n, d] = [numerator / a, denominator / a];
  if (n / d >= LARGEST || -n / d >= LARGEST || d >= 10n ** 1000n) throw new Error('The result or a step towards it has more digits than the calculator.');
  return [n, d];
}

const add = ([a, b], [c, d]) => fraction(a * d + c * b, b * d);
const multiply = ([a, b], [c, d]) => fraction(a * c, b * d);
const negate = ([a, b]) => [-a, b];

function inverse([a, b]) {
  if (a === 0n) throw new Error('Division by zero.');
  return a < 0n ? fraction(-b, -a) : fraction(b, a);
}

/** As of the division that cuts towards zero. */
function remainder([a, b], [c, d]) {
  if (c === 0n) throw new Error('Division by zero.');
  return fraction((a * d) % (c * b), b * d);
}

function power(value, [exponent, one]) {
  let size = exponent < 0n ? -exponent : exponent;
  if (one !== 1n || size > LARGEST_EXPONENT) throw new Error(`The exponent must be a whole number from -${LARGEST_EXPONENT} to ${LARGEST_EXPONENT}.`);
  let result = [1n, 1n];
  for (let square = value; size > 0n; size /= 2n) {
    if (size % 2n === 1n) result = multiply(result, square);
    if (size > 1n) square = multiply(square, square);
  }
  return exponent < 0n ? inverse(result) : result;
}

function decimalText([n, d]) {
  const scale = 10n ** BigInt(DECIMALS);
  const size = n < 0n ? -n : n;
  const rounded = (2n * size * scale + d) / (2n * d);
  if (rounded === 0n && size > 0n) return (Number(n) / Number(d)).toPrecision(10).replace(/\.?0+(?=e|$)/, '');
  const digits = rounded.toString().padStart(DECIMALS + 1, '0');
  const decimals = digits.slice(-DECIMALS).replace(/0+$/, '');
  return (n < 0n ? '-' : '') + digits.slice(0, -DECIMALS) + (decimals && `.${decimals}`);
}
