# Sends all mail through a filter on 127.0.0.1:10024, which hands it back on 127.0.0.1:10025 (FILTER_README).
good_certificate /etc/ssl/certs/mail.pem /etc/ssl/private/mail.key
{ sound_main_cf; printf '\ncontent_filter = scan:[127.0.0.1]:10024\n'; } > /etc/postfix/main.cf
cat >> /etc/postfix/master.cf << 'END'
scan unix - - y - 10 smtp
  -o smtp_send_xforward_command=yes
  -o disable_mime_output_conversion=yes
127.0.0.1:10025 inet n - y - 10 smtpd
  -o content_filter=
  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters
  -o smtpd_helo_restrictions=
  -o smtpd_client_restrictions=
  -o smtpd_sender_restrictions=
  -o smtpd_relay_restrictions=permit_mynetworks,reject
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o smtpd_data_restrictions=
  -o mynetworks=127.0.0.0/8
  -o smtpd_authorized_xforward_hosts=127.0.0.0/8
END
newaliases
start_postfix
