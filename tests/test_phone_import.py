import io

import openpyxl

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import CcpCase
from .test_setup import encode


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


@tagged("post_install", "-at_install")
class TestPhoneImport(CcpCase):
    """What people have: pasted columns, CSV files in many forms, workbooks."""

    def setUp(self):
        super().setUp()
        self.rep.write({"name": "Kumar, Sunil", "email": "sunil@acme.example"})
        self.users = self.rep | self.other_rep

    def take(self, text=False, **values):
        self.users.ccp_phone = False
        wizard = self.env["ccp.phone.import"].create({"text": text, **values})
        wizard.action_import()
        return wizard

    def assert_taken(self, wizard):
        self.assertEqual(
            wizard.line_ids.mapped("state"), ["saved"] * 2, wizard.line_ids.mapped("note")
        )
        self.assertEqual(self.users.mapped("ccp_phone"), ["9876543212", "9876543213"])
        self.assertFalse(wizard.text)

    def test_texts(self):
        texts = (
            '"Kumar, Sunil",9876543212\nRavi Rep,9876543213',
            "Kumar, Sunil,9876543212\nRavi Rep,9876543213",
            "Kumar, Sunil; 9876543212\nRavi Rep; 9876543213",
            'Name,Email,Mobile\n"Kumar, Sunil",sunil@acme.example,9876543212\nRavi Rep,,9876543213',
            "Mobile No.;E-mail;Full name\n9876543212;sunil@acme.example;\n9876543213;;Ravi Rep",
            "Emp. ID\tName\tLogin\tMobile number\tDesk phone\n"
            "1001\tSunil K.\trep\t98765 43212\t4021\n"
            "20190001002\tRavi Rep\tother_rep\t98765 43213\t",
            "Name;Work phone;Mobile\nKumar, Sunil;;9876543212\nRavi Rep;9876543213;",
            '"Login"\t"Phone"\r\n"rep"\t"9876543212.0"\r\n"other_rep"\t"9876543213"\r\n',
            "9876543212\trep\n9876543213\tother_rep",
            "1001,rep,9876543212\n20190001002,other_rep,9876543213",
            'User,Phone\nrep,"98765\n43212"\nother_rep,9876543213',
        )
        for text in texts:
            with self.subTest(text):
                self.assert_taken(self.take(text))

    def test_workbooks(self):
        books = (
            workbook(
                ("Name", "Email", "Mobile"),
                ("Kumar, Sunil", None, 9876543212),
                ("Ravi Rep", "", "98765 43213"),
            ),
            workbook(("rep", 9876543212.0), (None, None), ("other_rep", "+91 98765 43213")),
        )
        for book in books:
            self.assert_taken(self.take(file=encode(book)))
            wizard = self.env["ccp.phone.import"].new({"file": encode(book)})
            wizard._onchange_file()
            self.assertFalse(wizard.file)
            self.assert_taken(self.take(wizard.text))

    def test_files_that_cannot_be_read(self):
        too_long = workbook(*[("rep", 9876543212)] * 5001)
        for file, sentence in (
            (encode(b"PK\x03\x04nonsense"), "cannot be read"),
            (encode(workbook(("a", 1))[:-50]), "cannot be read"),
            ("no base64!", "cannot be read"),
            (encode(too_long), "too many lines"),
            (encode(b"x" * (1024 * 1024)), "too many lines"),
        ):
            wizard = self.env["ccp.phone.import"].new({"file": file})
            with self.assertRaisesRegex(UserError, sentence):
                wizard._onchange_file()

    def test_what_is_wrong_is_said(self):
        wizard = self.take(
            "Name,Mobile\nrep,9.87654E+09\nother_rep,9876543213 ext 4\n"
            "plain,1800 123 456\nrep other,9"
        )
        notes = wizard.line_ids.mapped("note")
        for note, words in zip(
            notes, ("Excel has cut", "extension", "service number", "No user"), strict=True
        ):
            self.assertIn(words, note)
        self.assertEqual(
            wizard.text.splitlines()[0], "Name,Mobile", "the titles stay for the next try"
        )
        self.assertEqual(len(wizard.text.splitlines()), 5)
        wizard.text = wizard.text.replace("9.87654E+09", "9876543212")
        wizard.action_import()
        self.assertEqual(self.rep.ccp_phone, "9876543212")

    def test_a_line_that_names_two_people(self):
        wizard = self.take("sunil@acme.example,Ravi Rep,9876543212")
        self.assertIn("two users", wizard.line_ids.note)
        self.assertFalse(any(self.users.mapped("ccp_phone")))

    def test_titles_alone(self):
        with self.assertRaisesRegex(UserError, "Paste a user"):
            self.take("Name,Mobile\n")
