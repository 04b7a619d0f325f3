use super::*;

fn name(name: &str) -> Path {
    name.split('/').map(str::to_owned).collect()
}

fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

fn equals(path: &str, value: &str) -> Expression {
    Expression::Compare(name(path), Operator::Equal, text(value))
}

#[test]
fn conditions_are_parsed_as_clients_write_them() {
    let starts = Expression::Call(
        "startswith".to_owned(),
        vec![
            Argument::Path(name("displayName")),
            Argument::Literal(text("a")),
        ],
    );
    let has = |variable: &str| {
        let inner = Box::new(equals(variable, "x"));
        Expression::Has(name("servicePrincipalNames"), variable.to_owned(), inner)
    };
    for (written, expected) in [
        ("displayName eq 'a'", equals("displayName", "a")),
        ("name EQ 'it''s'", equals("name", "it's")),
        ("startswith(displayName,'a')", starts.clone()),
        ("startsWith( displayName , 'a' )", starts.clone()),
        ("servicePrincipalNames/any(c:c eq 'x')", has("c")),
        ("servicePrincipalNames/any(c: c eq 'x')", has("c")),
        ("servicePrincipalNames/any (c : c eq 'x')", has("c")),
        (
            "a eq 'x' or b eq 'y' and c eq 'z'",
            Expression::Any(vec![
                equals("a", "x"),
                Expression::All(vec![equals("b", "y"), equals("c", "z")]),
            ]),
        ),
        (
            "(a eq 'x' OR b eq 'y') AND NOT(c eq 'z')",
            Expression::All(vec![
                Expression::Any(vec![equals("a", "x"), equals("b", "y")]),
                Expression::Not(Box::new(equals("c", "z"))),
            ]),
        ),
        (
            "not startswith(displayName,'a')",
            Expression::Not(Box::new(starts)),
        ),
        (
            "createdDateTime ge 2021-11-01T10:00:00Z",
            Expression::Compare(
                name("createdDateTime"),
                Operator::GreaterOrEqual,
                Literal::Bare("2021-11-01T10:00:00Z".to_owned()),
            ),
        ),
        (
            "id in ('a', 'b')",
            Expression::In(name("id"), vec![text("a"), text("b")]),
        ),
        (
            "owners/$count eq 0",
            Expression::Compare(
                name("owners/$count"),
                Operator::Equal,
                Literal::Bare("0".to_owned()),
            ),
        ),
        (
            "mail ne null and accountEnabled eq true",
            Expression::All(vec![
                Expression::Compare(name("mail"), Operator::NotEqual, Literal::Null),
                Expression::Compare(name("accountEnabled"), Operator::Equal, Literal::Bool(true)),
            ]),
        ),
        (
            "atScope() and assignedTo('x')",
            Expression::All(vec![
                Expression::Call("atscope".to_owned(), vec![]),
                Expression::Call("assignedto".to_owned(), vec![Argument::Literal(text("x"))]),
            ]),
        ),
    ] {
        assert_eq!(parse(written), Ok(expected), "{written}");
    }
}

#[test]
fn an_error_names_the_character() {
    for (written, expected) in [
        ("", SyntaxError::At(0)),
        ("a", SyntaxError::At(1)),
        ("a eq", SyntaxError::At(4)),
        ("a is 'b'", SyntaxError::At(2)),
        ("a eq 'b", SyntaxError::Unterminated(5)),
        ("a eq 'b' and", SyntaxError::At(12)),
        ("a eq 'b' c", SyntaxError::At(9)),
        ("f('a'", SyntaxError::At(5)),
        ("f(,)", SyntaxError::At(2)),
        ("(a eq 'b'", SyntaxError::At(9)),
        ("a in 'b'", SyntaxError::At(5)),
        ("a/any(c eq 'b')", SyntaxError::At(8)),
        ("é/ eq 'b'", SyntaxError::At(0)),
        ("'é' eq 'b'", SyntaxError::At(0)),
    ] {
        assert_eq!(parse(written), Err(expected), "{written}");
    }
}

#[test]
fn nesting_and_length_have_a_limit() {
    for (open, close) in [("(", ")"), ("not(", ")"), ("a/any(x:", ")")] {
        let nested = |n| format!("{}a eq 'b'{}", open.repeat(n), close.repeat(n));
        assert!(parse(&nested(8)).is_ok(), "{open}");
        assert_eq!(parse(&nested(1000)), Err(SyntaxError::TooLarge), "{open}");
    }
    let long = vec!["a eq 'b'"; 10_000].join(" or ");
    assert_eq!(parse(&long), Err(SyntaxError::TooLarge));
}
