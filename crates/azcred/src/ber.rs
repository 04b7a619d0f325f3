//! Reads ASN.1 in certificate files: DER, and the BER that older software writes into PFX and
//! PKCS#7 files.
//!
//! Reads one element at a time without copies. Indefinite lengths and strings in pieces are
//! supported (X.690 sections 8.1.3.6 and 8.7.3), because NSS and old Java key stores write them.

use std::borrow::Cow;

/// How deep indefinite lengths and strings in pieces may nest. The limit bounds the stack and the
/// work.
const MAX_DEPTH: u8 = 16;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
/// `[0]` around another element.
pub(crate) const CONTEXT_0: u8 = 0xa0;
const CONSTRUCTED: u8 = 0x20;

/// The bytes are not ASN.1, or not the ASN.1 that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// One element: its tag byte and its content.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements in the content.
    pub(crate) fn inside(self) -> BerReader<'a> {
        BerReader(self.content)
    }

    /// The content of an octet string, joined if it is in pieces. The caller checks the tag, which
    /// may be an implicit one.
    pub(crate) fn octets(self) -> Result<Cow<'a, [u8]>, Malformed> {
        if self.tag & CONSTRUCTED == 0 {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut whole = Vec::new();
        gather(self.content, &mut whole, MAX_DEPTH)?;
        Ok(Cow::Owned(whole))
    }

    /// A non-negative integer. Larger values than `u64` holds become `u64::MAX`; no valid count of
    /// rounds is so large.
    pub(crate) fn number(self) -> Result<u64, Malformed> {
        match self.content {
            [] => Err(Malformed),
            [first, ..] if *first >= 0x80 => Err(Malformed),
            content => {
                let digits = content
                    .iter()
                    .position(|b| *b != 0)
                    .map_or(&[][..], |at| &content[at..]);
                if digits.len() > 8 {
                    // Every limit on such a number is lower, so the caller rejects it.
                    return Ok(u64::MAX);
                }
                Ok(digits
                    .iter()
                    .fold(0, |number, digit| number << 8 | u64::from(*digit)))
            }
        }
    }
}

/// The elements of a sequence, one after another.
#[derive(Clone, Copy)]
pub(crate) struct BerReader<'a>(&'a [u8]);

impl<'a> BerReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The tag of the next element, if there is one.
    pub(crate) fn peek(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element with any tag.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, Malformed> {
        let (element, rest) = split(self.0, MAX_DEPTH)?;
        self.0 = rest;
        Ok(element)
    }

    /// The next element with any tag, and its bytes with the tag and the length.
    pub(crate) fn raw(&mut self) -> Result<(Element<'a>, &'a [u8]), Malformed> {
        let before = self.0;
        let element = self.any()?;
        Ok((element, &before[..before.len() - self.0.len()]))
    }

    /// The next element; another tag is an error.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, Malformed> {
        let element = self.any()?;
        if element.tag == tag {
            Ok(element)
        } else {
            Err(Malformed)
        }
    }

    /// The next element, if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Malformed> {
        if self.peek() == Some(tag) {
            self.any().map(Some)
        } else {
            Ok(None)
        }
    }

    /// The content of the next element, which must be a sequence.
    pub(crate) fn sequence(&mut self) -> Result<BerReader<'a>, Malformed> {
        self.expect(SEQUENCE).map(Element::inside)
    }

    /// The next element, which must be an octet string, in one piece or several.
    pub(crate) fn octet_string(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        let element = self.any()?;
        if element.tag & !CONSTRUCTED == OCTET_STRING {
            element.octets()
        } else {
            Err(Malformed)
        }
    }

    /// The bytes of the next element, which must be an object identifier.
    pub(crate) fn oid(&mut self) -> Result<&'a [u8], Malformed> {
        self.expect(OBJECT_IDENTIFIER)
            .map(|element| element.content)
    }

    /// An `AlgorithmIdentifier` (RFC 5280 section 4.1.1.2): its identifier and its parameters.
    pub(crate) fn algorithm(&mut self) -> Result<(&'a [u8], BerReader<'a>), Malformed> {
        let mut inside = self.sequence()?;
        Ok((inside.oid()?, inside))
    }
}

/// The first element of `bytes` and what follows it.
fn split(bytes: &[u8], depth: u8) -> Result<(Element<'_>, &[u8]), Malformed> {
    let [tag, length, rest @ ..] = bytes else {
        return Err(Malformed);
    };
    // Tags above 30 take several bytes. No structure that is read here has one.
    if tag & 0x1f == 0x1f {
        return Err(Malformed);
    }
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x80 => return split_indefinite(*tag, rest, depth),
        0x81..=0x84 => {
            let (digits, rest) = rest
                .split_at_checked(usize::from(length & 0x7f))
                .ok_or(Malformed)?;
            let length = digits
                .iter()
                .fold(0_u32, |length, digit| length << 8 | u32::from(*digit));
            (usize::try_from(length).map_err(|_| Malformed)?, rest)
        }
        _ => return Err(Malformed),
    };
    let (content, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
    Ok((Element { tag: *tag, content }, rest))
}

/// An element that ends with two zero bytes (X.690 section 8.1.5).
fn split_indefinite(tag: u8, bytes: &[u8], depth: u8) -> Result<(Element<'_>, &[u8]), Malformed> {
    if tag & CONSTRUCTED == 0 || depth == 0 {
        return Err(Malformed);
    }
    let mut rest = bytes;
    loop {
        if let [0, 0, after @ ..] = rest {
            let content = &bytes[..bytes.len() - rest.len()];
            return Ok((Element { tag, content }, after));
        }
        (_, rest) = split(rest, depth - 1)?;
    }
}

fn gather(pieces: &[u8], whole: &mut Vec<u8>, depth: u8) -> Result<(), Malformed> {
    let mut pieces = BerReader(pieces);
    while !pieces.is_empty() {
        let piece = pieces.any()?;
        match piece.tag {
            OCTET_STRING => whole.extend_from_slice(piece.content),
            tag if tag == OCTET_STRING | CONSTRUCTED && depth > 0 => {
                gather(piece.content, whole, depth - 1)?;
            }
            _ => return Err(Malformed),
        }
    }
    Ok(())
}

/// The certificates in a PKCS#7 bundle: `SignedData` without a signature (RFC 2315 section 9.1).
/// `None` if the bytes are not such a bundle.
pub(crate) fn pkcs7_certificates(der: &[u8]) -> Option<Vec<&[u8]>> {
    const SIGNED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    const SET: u8 = 0x31;
    let read = || -> Result<Vec<&[u8]>, Malformed> {
        let mut bundle = BerReader::new(der).sequence()?;
        if bundle.oid()? != SIGNED_DATA {
            return Err(Malformed);
        }
        let mut signed = bundle.expect(CONTEXT_0)?.inside().sequence()?;
        signed.expect(INTEGER)?;
        signed.expect(SET)?;
        signed.sequence()?;
        let Some(list) = signed.optional(CONTEXT_0)? else {
            return Ok(Vec::new());
        };
        let mut list = list.inside();
        let mut certificates = Vec::new();
        while !list.is_empty() {
            let (element, raw) = list.raw()?;
            if element.tag == SEQUENCE {
                certificates.push(raw);
            }
        }
        Ok(certificates)
    };
    read().ok()
}

/// The first element of `der` with its tag and length, without what follows it, as OpenSSL's
/// `TRUSTED CERTIFICATE` has its settings behind the certificate.
pub(crate) fn first_element(der: &[u8]) -> &[u8] {
    BerReader::new(der).raw().map_or(der, |(_, raw)| raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_octet_string_in_pieces_of_indefinite_length_is_put_together() {
        let bytes = [
            0x24, 0x80, 0x04, 1, b'a', 0x24, 0x80, 0x04, 2, b'b', b'c', 0, 0, 0, 0, 0x02, 1, 5,
        ];
        let mut reader = BerReader::new(&bytes);
        assert_eq!(reader.octet_string().unwrap().as_ref(), b"abc");
        assert_eq!(reader.expect(INTEGER).unwrap().number(), Ok(5));
        assert!(reader.is_empty());
    }

    #[test]
    fn a_length_beyond_the_end_and_endless_nesting_are_malformed() {
        assert!(
            BerReader::new(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0])
                .any()
                .is_err()
        );
        assert!(BerReader::new(&[0x30, 0x05, 0]).any().is_err());
        assert!(BerReader::new(&[0x30, 0x80].repeat(100_000)).any().is_err());
        assert!(BerReader::new(&[0x04, 0x80, 0, 0]).any().is_err());
        assert!(BerReader::new(&[]).any().is_err());
    }

    #[test]
    fn an_integer_is_not_negative_and_a_huge_one_is_as_large_as_can_be() {
        let number = |content| {
            Element {
                tag: INTEGER,
                content,
            }
            .number()
        };
        assert_eq!(number(&[0, 0x80]), Ok(128));
        assert_eq!(number(&[0x80]), Err(Malformed));
        assert_eq!(number(&[]), Err(Malformed));
        assert_eq!(number(&[1; 9]), Ok(u64::MAX));
    }
}
