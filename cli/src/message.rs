//! What a commit message says beside its text: the pull request, the commit it was picked from.
//!
//! Pure functions. Addresses are left out of what is kept: a ledger forgets nothing, so it must
//! not learn what it has no use for (semantics B.5).

/// Finds the pull or merge request.
///
/// GitHub ends a squashed subject with `(#123)` and begins a merge with `Merge pull request #123`;
/// GitLab writes `See merge request group/project!123` below it. The last number of a subject
/// counts: a backport names its own after that of the original.
pub fn pull_request(subject: &str, body: &str) -> Option<u64> {
    if let Some(rest) = subject.strip_prefix("Merge pull request #") {
        return number(rest.split(|c: char| !c.is_ascii_digit()).next()?);
    }
    let last = subject.trim_end().strip_suffix(')').and_then(|text| text.rsplit_once("(#"));
    if let Some((_, digits)) = last {
        return number(digits);
    }
    let line = body.lines().find_map(|line| line.trim().strip_prefix("See merge request "))?;
    number(line.rsplit_once('!')?.1)
}

fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    // Beyond 2^53 - 1 not every language reads it exactly, and nobody has that many requests.
    plain.then(|| digits.parse().ok()).flatten().filter(|number| *number < 1 << 53)
}

/// Finds the commit that `git cherry-pick -x` took this one from: the last, which is the nearest.
pub fn cherry_picked_from(body: &str) -> Option<&str> {
    const START: &str = "cherry picked from commit ";
    body.lines().rev().find_map(|line| {
        let hash = line.trim().trim_start_matches('(').strip_prefix(START)?;
        let hash = hash.trim_end_matches(['.', ')']);
        let is_hash = (7..=64).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then_some(hash)
    })
}

/// Returns the author's name as the log can keep it: one line, no address, never empty.
pub fn author(text: &str) -> String {
    // Some write their address, or a handle, where the name belongs.
    let text = text.trim().trim_start_matches('@');
    let local = text.split_once('@').map_or(text, |(local, _)| local);
    name(local).unwrap_or_else(|| "unknown".to_owned())
}

/// Returns a text in the form that names have; `None` when nothing of it is left.
pub fn name(text: &str) -> Option<String> {
    const CHARS_MAX: usize = 256;
    let clean: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CHARS_MAX).collect();
    Some(clean.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Takes control characters out of a message: they would act on the terminal that shows it.
pub fn plain(text: &str) -> String {
    let clean = |c| match c {
        '\r' => None,
        '\n' | '\t' => Some(c),
        c if c.is_control() => Some(' '),
        c => Some(c),
    };
    text.chars().filter_map(clean).collect()
}

/// Takes `<name@host>` out of a text, as trailers have it.
pub fn without_addresses(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('<') {
        kept.push_str(before);
        match address_end(after) {
            Some(end) => {
                // The space before it goes too, and no line ends in one.
                kept.truncate(kept.trim_end_matches(' ').len());
                rest = &after[end..];
            }
            None => {
                kept.push('<');
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// Returns where the text goes on behind an address and its `>`; `None` when it begins with none.
fn address_end(text: &str) -> Option<usize> {
    // Longer than any address; a message of nothing but `<` must not cost its square.
    const BYTES_MAX: usize = 320;
    let end = text.bytes().take(BYTES_MAX).position(|b| matches!(b, b'>' | b'<' | b' ' | b'\n'))?;
    let is_address = text.as_bytes()[end] == b'>' && text[..end].contains('@');
    is_address.then_some(end + 1)
}

/// Shortens a text that is larger than an event may hold: its beginning and its end stay, because
/// footers such as `BREAKING CHANGE` stand last.
pub fn shortened(text: &str, bytes_max: usize) -> Option<String> {
    if text.len() <= bytes_max {
        return None;
    }
    let head = floor(text, bytes_max / 4 * 3);
    let tail = ceil(text, text.len().saturating_sub(bytes_max / 4));
    let left_out = tail - head;
    let mark = format!("\n[{left_out} bytes left out by relbook]\n");
    Some(format!("{}{mark}{}", &text[..head], &text[tail..]))
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}
