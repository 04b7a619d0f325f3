//! The range of bytes that a request wants ("Specifying the range header for Blob service
//! operations", Microsoft Learn).

/// A range of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteRange {
    pub(super) first: u64,
    pub(super) length: u64,
}

/// What a header says of a blob with this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    All,
    Part(ByteRange),
    /// Nothing of it is there.
    Unsatisfiable,
}

impl Wanted {
    /// Reads `bytes=0-4` or `bytes=5-`. Any other text means all of the blob, as for a server
    /// without ranges. A range past the end ends there.
    pub(super) fn of(header: Option<&str>, size: u64) -> Self {
        let Some((first, last)) = header.and_then(parse) else {
            return Self::All;
        };
        if first >= size {
            return Self::Unsatisfiable;
        }
        let last = last.map_or(size - 1, |last| last.min(size - 1));
        Self::Part(ByteRange {
            first,
            length: last - first + 1,
        })
    }
}

/// The first byte, and the last one if it is there.
fn parse(header: &str) -> Option<(u64, Option<u64>)> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<u64>().ok(),
        false => None,
    };
    let first = number(first)?;
    match last {
        "" => Some((first, None)),
        last => {
            let last = number(last)?;
            (first <= last).then_some((first, Some(last)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_of_a_small_blob_is_the_part_between_its_ends() {
        for (size, first, last) in (0..8_u64)
            .flat_map(|size| (0..10_u64).map(move |first| (size, first)))
            .flat_map(|(size, first)| (0..10_u64).map(move |last| (size, first, last)))
        {
            let wanted = Wanted::of(Some(&format!("bytes={first}-{last}")), size);
            let there = (first..=last).filter(|at| *at < size).count() as u64;
            let expected = match there {
                _ if first > last => Wanted::All,
                0 => Wanted::Unsatisfiable,
                length => Wanted::Part(ByteRange { first, length }),
            };
            assert_eq!(wanted, expected, "{first}-{last} of {size}");
        }
    }

    #[test]
    fn a_range_is_what_there_is_of_it() {
        let part = |first, length| Wanted::Part(ByteRange { first, length });
        for (header, size, expected) in [
            (None, 10, Wanted::All),
            (Some("bytes=0-4"), 10, part(0, 5)),
            (Some("bytes=5-"), 10, part(5, 5)),
            (Some("bytes=0-33554431"), 17, part(0, 17)),
            (Some("bytes=9-9"), 10, part(9, 1)),
            (Some("bytes=10-"), 10, Wanted::Unsatisfiable),
            (Some("bytes=0-0"), 0, Wanted::Unsatisfiable),
            (
                Some("bytes=18446744073709551615-"),
                10,
                Wanted::Unsatisfiable,
            ),
            (Some("bytes=-5"), 10, Wanted::All),
            (Some("bytes=5-4"), 10, Wanted::All),
            (Some("bytes=+1-4"), 10, Wanted::All),
            (Some("bytes=0-1,3-4"), 10, Wanted::All),
            (Some("bytes=99999999999999999999-"), 10, Wanted::All),
            (Some("items=0-1"), 10, Wanted::All),
            (Some(""), 10, Wanted::All),
        ] {
            assert_eq!(Wanted::of(header, size), expected, "{header:?} of {size}");
        }
    }
}
