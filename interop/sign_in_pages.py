"""Somebody at the emulator's sign-in pages, in either browser: what they read, type and press."""

import re


def pick(tab, person):
    """Picks an account of those that are offered."""
    tab.sees("Pick an account")
    tab.click(person.name)


def enter_name(tab, person):
    """Says who they are where nobody is offered, or nobody that is right."""
    tab.fill("Email or sign-in name", person.name)
    tab.click("Next")


def enter_password(tab, password):
    tab.sees("Enter password")
    tab.fill("Password", password)
    tab.click("Sign in")


def enter_number(tab):
    """Types off the number that the authenticator app shows."""
    tab.sees("Enter the number")
    tab.fill("Number", re.search(r"\b\d{6}\b", tab.text)[0])
    tab.click("Verify")


def sign_in(tab, person, second_factor=False):
    """The whole way to the end, as somebody in a hurry goes it."""
    pick(tab, person)
    enter_password(tab, person.password)
    if second_factor:
        enter_number(tab)
    hand_over(tab)


def hand_over(tab):
    """Presses the button that brings the answer to the program, where no script does."""
    if not tab.has_scripts and "This browser does not run scripts" in tab.text:
        tab.click("Continue")


def enter_code(tab, address, code):
    """Opens the page for other devices, and enters the code of one."""
    tab.go(address)
    tab.sees("Enter code")
    tab.fill("The code that your program or device shows", code)
    tab.click("Next")


def confirm(tab):
    tab.sees("Are you trying to sign in to")
    tab.click("Continue")
