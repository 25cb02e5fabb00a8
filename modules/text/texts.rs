//! The functions of text.wit.

mod text;
use text::*;

struct Texts;
text::export!(Texts);

/// Bytes of a result, at most.
const LONGEST: usize = 1_000_000;

fn title(text: &str) -> String {
    let mut in_word = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if in_word {
            out.push(c);
        } else {
            out.extend(c.to_uppercase());
        }
        in_word = c.is_alphanumeric();
    }
    out
}

/// At most `limit` characters, the ellipsis among them.
fn shorten(text: String, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text;
    }
    let mut out: String = text.chars().take(limit.saturating_sub(1)).collect();
    if limit != 0 {
        out.push('…');
    }
    out
}

/// None: the result would be too long.
fn replace(text: &str, replacement: &Replacement) -> Option<String> {
    let Replacement { old, new } = replacement;
    let count = text.matches(old.as_str()).count();
    let len = (text.len() - count * old.len()).checked_add(count.checked_mul(new.len())?)?;
    if len > LONGEST {
        return None;
    }
    Some(text.replace(old.as_str(), new))
}

impl TextsExports for Texts {
    fn transform(text: String, steps: Vec<Operation>) -> Result<String, Problem> {
        let mut text = text;
        for (number, step) in (0..).zip(&steps) {
            text = match step {
                Operation::Upper => text.to_uppercase(),
                Operation::Lower => text.to_lowercase(),
                Operation::Title => title(&text),
                Operation::Reverse => text.chars().rev().collect(),
                Operation::Squeeze => text.split_whitespace().collect::<Vec<_>>().join(" "),
                Operation::Shorten(limit) => shorten(text, *limit as usize),
                Operation::Replace(replacement) if replacement.old.is_empty() => {
                    return Err(Problem::NothingToReplace(number));
                }
                Operation::Replace(replacement) => {
                    replace(&text, replacement).ok_or(Problem::TooLong(number))?
                }
            };
            if text.len() > LONGEST {
                return Err(Problem::TooLong(number));
            }
        }
        Ok(text)
    }

    fn words(text: String, limit: Option<u32>) -> Vec<Counted> {
        let mut words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        words.sort_unstable();
        let mut counted: Vec<Counted> = Vec::new();
        for word in words {
            match counted.last_mut() {
                Some(last) if last.word == word => last.count += 1,
                _ => counted.push(Counted { word, count: 1 }),
            }
        }
        counted.sort_by(|a, b| b.count.cmp(&a.count)); // stable: the alphabet stays
        counted.truncate(limit.map_or(usize::MAX, |limit| limit as usize));
        counted
    }
}
