"""What a user does at the emulator's sign-in pages, in both browsers: reads, types and clicks."""

import re


def pick(tab, person):
    """Picks an account from the list."""
    tab.sees("Pick an account")
    tab.click(person.name)


def enter_name(tab, person):
    """Enters the sign-in name if the list is empty or lacks the account."""
    tab.fill("Email or sign-in name", person.name)
    tab.click("Next")


def enter_password(tab, password):
    tab.sees("Enter password")
    tab.fill("Password", password)
    tab.click("Sign in")


def enter_number(tab):
    """Copies the number that the authenticator app shows."""
    tab.sees("Enter the number")
    tab.fill("Number", re.search(r"\b\d{6}\b", tab.text)[0])
    tab.click("Verify")


def sign_in(tab, person, second_factor=False):
    """All steps of a sign-in to its end."""
    pick(tab, person)
    enter_password(tab, person.password)
    if second_factor:
        enter_number(tab)
    hand_over(tab)


def hand_over(tab):
    """Presses the button that sends the response to the program, if scripts are off."""
    if not tab.has_scripts and "This browser does not run scripts" in tab.text:
        tab.click("Continue")


def enter_code(tab, address, code):
    """Opens the page for other devices, and enters a user code."""
    tab.go(address)
    tab.sees("Enter code")
    tab.fill("The code that your program or device shows", code)
    tab.click("Next")


def confirm(tab):
    tab.sees("Are you trying to sign in to")
    tab.click("Continue")
