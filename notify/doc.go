// Package notify is how people are reached: the customer with the link, reminders and new links, operations when
// something needs them. Today there is one channel, e-mail by SMTP.
//
// A [Sender] takes an onboarding.Message, renders it in the customer's language (English where that is unknown) as text
// and HTML, and hands it over. A nil error means that the next mail server has taken responsibility, not that anybody
// has read it. Sending the same message again gives the mail the same Message-ID, by which a repeat is recognised.
//
// Customers are told the reasons in the table of contract 3.3 that a new attempt can mend. Every other reason, critical
// or unknown, gives exactly the mail that no reason gives: anything else would be tipping off.
//
// Errors and their texts hold only codes: mail servers quote addresses in their replies.
package notify
