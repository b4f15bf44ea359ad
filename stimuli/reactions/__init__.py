"""Conversations in numbers: how speakers talk, how listeners' faces react, and the data of both."""
